"""The newest release, as an address tells it that a user or a packager gave: one request, when
somebody asks for it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import trio

from reconciler.errors import ServerFault, Unreachable
from reconciler.phrases import Phrase

ANSWER_BYTES = 1024 * 1024
"""The page of a project in a Python index has some 100 KB."""

WITHIN_S = 20.0
"""Seconds for all of it, however slowly somebody answers."""

_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)*[0-9A-Za-z.+-]*)")


def newest_release(url: str) -> str:
    """Return the version that ``url`` tells: a forge's newest release (``tag_name``), a project in
    a Python index (``info.version``), or a line of text. Sends nothing about this computer. Blocks,
    for `WITHIN_S` seconds at the most. Raises Unreachable, and ServerFault for another answer."""
    shown = without_password(url)
    try:
        text = trio.run(_fetched, url, shown)
    except trio.TooSlowError as error:
        raise Unreachable(
            Phrase("{url} did not answer within {seconds} s", url=shown, seconds=round(WITHIN_S))
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        why = str(error) or type(error).__name__
        raise Unreachable(Phrase("{url} cannot be asked ({why})", url=shown, why=why)) from error
    found = _VERSION.fullmatch(_told(text))
    if found is None:
        raise ServerFault(Phrase("{url} tells of no version", url=shown))
    return found[1]


def without_password(url: str) -> str:
    """Return the address as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def _fetched(url: str, shown: str) -> bytes:
    # Nothing packed: a few KB may unpack to gigabytes.
    headers = {
        "user-agent": "syncin-mount",
        "accept": "application/json",
        "accept-encoding": "identity",
    }
    text = bytearray()
    with trio.fail_after(WITHIN_S):
        async with (
            httpx.AsyncClient(timeout=WITHIN_S, follow_redirects=True, headers=headers) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != 200:
                status = response.status_code
                raise ServerFault(
                    Phrase("{url} answers with HTTP {status}", url=shown, status=status)
                )
            packed = response.headers.get("content-encoding", "identity") != "identity"
            async for part in response.aiter_raw():
                text += part
                if packed or len(text) > ANSWER_BYTES:
                    raise ServerFault(Phrase("{url} tells of no version", url=shown))
    return bytes(text)


def _told(text: bytes) -> str:
    try:
        said: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
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
