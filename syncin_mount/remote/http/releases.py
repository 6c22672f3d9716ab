"""The newest release, as an address tells it that a user or a packager gave: one request, when
somebody asks for it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec

from reconciler.errors import ServerFault, Unreachable
from reconciler.phrases import Phrase

ANSWER_BYTES = 1024 * 1024
"""The page of a project in a Python index has some 100 KB."""

_TIMEOUT_S = 15.0
_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)*[0-9A-Za-z.+-]*)")


def newest_release(url: str) -> str:
    """Return the version that ``url`` tells: a forge's newest release (``tag_name``), a project in
    a Python index (``info.version``), or a line of text. Sends nothing about this computer. Blocks,
    for seconds. Raises Unreachable, and ServerFault for another answer."""
    try:
        text = _fetched(url)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unreachable(
            Phrase("{url} cannot be asked ({why})", url=url, why=str(error) or type(error).__name__)
        ) from error
    found = _VERSION.fullmatch(_told(text))
    if found is None:
        raise ServerFault(Phrase("{url} tells of no version", url=url))
    return found[1]


def _fetched(url: str) -> bytes:
    headers = {"user-agent": "syncin-mount", "accept": "application/json"}
    text = bytearray()
    with (
        httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True, headers=headers) as client,
        client.stream("GET", url) as response,
    ):
        response.raise_for_status()
        for part in response.iter_bytes():
            text += part
            if len(text) > ANSWER_BYTES:
                raise ServerFault(Phrase("{url} tells of no version", url=url))
    return bytes(text)


def _told(text: bytes) -> str:
    try:
        said: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text.decode("utf-8", "replace").strip()
    if isinstance(said, dict):
        info = said.get("info")
        said = said.get("tag_name") or (info.get("version") if isinstance(info, dict) else None)
    return said if isinstance(said, str) else text.decode("utf-8", "replace").strip()


def is_newer(one: str, other: str) -> bool:
    """Return whether version ``one`` comes after ``other``: by their numbers, and a version with
    something behind them (``1.0rc1``) before the one without."""
    return _in_order(one) > _in_order(other)


def _in_order(version: str) -> tuple[list[int], bool, str]:
    numbers = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    assert numbers is not None
    rest = version[numbers.end() :].split("+", maxsplit=1)[0]
    parts = [int(each) for each in numbers[0].split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return parts, not rest, rest
