"""What is answered at all. Every request is looked at here before anything else is done for it;
docs/internals/web-security.md names the attacks. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncin_mount.web.asgi import Message

BEARER = "Bearer "

_OWN_SITES = {None, "none", "same-origin"}
"""What `Sec-Fetch-Site` says of a page that was opened by the user, or that asks for its own parts.
Old browsers and programs that are no browser do not send it."""


@dataclass(frozen=True, slots=True)
class Denied:
    """A request that gets nothing: the status, and why as a sentence (without what it said)."""

    status: int
    why: str


def look_at(scope: Message, port: int) -> Denied | None:
    """Why the request is not answered, whoever sent it; None where it may be."""
    headers = Headers(scope)
    host = f"127.0.0.1:{port}"
    if scope["http_version"] != "1.1":
        return Denied(400, "only HTTP/1.1 is spoken here")
    if headers.all("host") != [host]:
        return Denied(403, "this is not the address of the page")
    site = headers.one("sec-fetch-site")
    if scope["method"] == "GET":
        return None if site in _OWN_SITES else Denied(403, "another page asks for this")
    if scope["method"] != "POST":
        return Denied(405, "only GET and POST are spoken here")
    if headers.all("origin") != [f"http://{host}"] or site != "same-origin":
        return Denied(403, "another page asks for this")
    if headers.one("content-type") != "application/json":
        return Denied(415, "only JSON is spoken here")
    return None


def token_of(scope: Message) -> str | None:
    """The token that the request carries."""
    said = Headers(scope).one("authorization")
    return said.removeprefix(BEARER) if said and said.startswith(BEARER) else None


def takes_gzip(scope: Message) -> bool:
    """Whether whoever asks reads what is compressed with gzip (RFC 9110, 12.5.3)."""
    for each in (Headers(scope).one("accept-encoding") or "").lower().split(","):
        name, *parameters = (word.strip() for word in each.split(";"))
        if name == "gzip":
            return not any(re.fullmatch(r"q=0(\.0*)?", word) for word in parameters)
    return False


def languages_of(scope: Message) -> str:
    """What the browser's user reads, in the browser's words."""
    return Headers(scope).one("accept-language") or ""


class Headers:
    """A request's headers, by their names in small letters."""

    def __init__(self, scope: Message) -> None:
        self._all = [
            (bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1"))
            for name, value in scope["headers"]
        ]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._all if key == name]

    def one(self, name: str) -> str | None:
        """Its value, None where there is none, and a value that nobody expects where there are
        several."""
        found = self.all(name)
        return ", ".join(found) if found else None


def safe_headers(import_map: str) -> list[tuple[bytes, bytes]]:
    """What goes with every answer: the browser lets the page load and reach nothing but us, run no
    script that is not ours, and be shown in no other page. ``import_map`` is the hash of the one
    script that stands in the page itself."""
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' '{import_map}'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]
