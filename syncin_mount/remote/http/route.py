"""How a server is reached: directly or by a proxy, with which certificates, and whether in clear.

Pure but for the environment's proxies. Nobody is reached in another way than was said: what cannot
be done is refused.
"""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from reconciler.errors import Refused
from reconciler.phrases import Phrase
from syncin_mount.addresses import goes_in_clear, is_loopback
from syncin_mount.remote.refusals.remedies import Help, Remedy

NO_PROXY = "none"
"""As the proxy's address: there is none, whatever the environment says."""

_PORTS = {"http": 80, "https": 443, "socks5": 1080}
_SAME = {"socks": "socks5", "socks5h": "socks5"}


@dataclass(frozen=True, slots=True)
class Way:
    """``proxy`` is an address, `NO_PROXY`, or None for the environment's. ``ca_file`` has
    certificates that are trusted instead of the system's, ``client_cert`` a certificate to show,
    with its key: paths of PEM files."""

    insecure_tls: bool = False
    insecure_http: bool = False
    proxy: str | None = None
    ca_file: str | None = None
    client_cert: str | None = None


PLAIN = Way()
"""As the system and the environment say."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """``kind`` is http, https or socks5; ``login`` is user and password as they are, not
    percent-encoded."""

    kind: str
    host: str
    port: int
    login: tuple[bytes, bytes] | None = None

    def __str__(self) -> str:
        """Without the password, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"


def parse_proxy(text: str) -> Proxy:
    """A proxy's address, as ``http://user:pass%40word@[::1]:3128`` or ``socks5://proxy``; http
    without a scheme. With SOCKS the proxy looks up the server's name, whatever the scheme: nothing
    of a connection goes past it.

    Raises ValueError with a clause that names no password.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port, scheme = parts.hostname or "", parts.port, parts.scheme
        user, word = parts.username, parts.password
    except ValueError:
        raise ValueError(
            Phrase("its port or address is none; it looks like http://proxy.example.org:3128")
        ) from None
    kind = _SAME.get(scheme, scheme)
    if kind not in _PORTS:
        raise ValueError(
            Phrase(
                "proxies of the kind '{scheme}' are not known; http, https and socks5 are",
                scheme=scheme,
            )
        )
    try:
        host = _in_ascii(host)
    except ValueError:
        host = ""
    if not host or port == 0 or any(each.isspace() or not each.isprintable() for each in text):
        raise ValueError(
            Phrase("it names no computer; it looks like http://proxy.example.org:3128")
        )
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(
            Phrase("it has something behind the port; it looks like http://proxy.example.org:3128")
        )
    login = None
    if user is not None or word is not None:
        login = unquote_to_bytes(user or ""), unquote_to_bytes(word or "")
        if kind == "socks5" and not all(0 < len(each) < 256 for each in login):
            raise ValueError(Phrase("SOCKS takes a user name and a password of 1 to 255 bytes"))
    return Proxy(kind, host, port or _PORTS[kind], login)


def check_lookup(host: str) -> None:
    """The name can be looked up: each of its labels has 1 to 63 bytes (RFC 1035, 2.3.4). To look up
    another one is no OSError but a UnicodeError. Raises ValueError."""
    host.encode("idna")


def _in_ascii(host: str) -> str:
    """The name as it is looked up; other letters are encoded as those of servers (IDNA 2008).
    Raises ValueError for one that cannot be looked up."""
    if not host.isascii():
        import httpx  # noqa: PLC0415 (start-up time)

        try:
            host = httpx.URL(scheme="http", host=host).raw_host.decode("ascii")
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error
    check_lookup(host)
    return host


def proxy_for(url: str, way: Way) -> Proxy | None:
    """The proxy for this server: the one that was set for it, else the environment's, which is
    never one for this computer itself. Raises Refused where it cannot be used: nothing goes past a
    proxy that was wanted."""
    if way.proxy is not None:
        if way.proxy == NO_PROXY:
            return None
        return _understood(way.proxy, _SET, url)
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    known = urllib.request.getproxies()
    found = known.get(parts.scheme) or known.get("all")
    return None if found is None else _understood(found, _OF_ENVIRONMENT, url)


_SET = Phrase("The proxy that is set for {url} cannot be used: {error}. Nothing was sent")
_OF_ENVIRONMENT = Phrase(
    "The proxy that the environment names for {url} cannot be used: {error}. Nothing was sent"
)
"""Templates, without their values."""


def _understood(text: str, what: Phrase, url: str) -> Proxy:
    try:
        return parse_proxy(text)
    except ValueError as error:
        raise Refused(
            Phrase(what.template, url=url, error=error),
            remedy=Remedy(Help.OTHER_PROXY),
        ) from None


def refuse_clear(url: str, way: Way, account: str) -> None:
    """Raises Refused where password, tokens and files would go in clear to another computer, and
    nobody said that they may."""
    if way.insecure_http or not goes_in_clear(url):
        return
    raise Refused(
        Phrase(
            "Nothing was sent to {url}: with http:// everybody in between reads the"
            " password, the tokens and all files. Give the address with https://",
            url=url,
        ),
        remedy=Remedy(Help.ACCEPT_CLEAR, account),
    )
