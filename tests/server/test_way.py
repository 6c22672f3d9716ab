"""How a server is reached: nothing goes in clear unasked, and nothing past a proxy that was
wanted."""

from __future__ import annotations

import base64
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

from reconciler.errors import Refused, Unreachable
from syncin_mount.app.messages import sentence
from syncin_mount.remote import ServerAccount, Session, Timeouts, Untrusted, Way, register, trust
from syncin_mount.remote.browse import tree
from syncin_mount.remote.http.route import Proxy, parse_proxy, proxy_for, refuse_clear
from syncin_mount.remote.http.transport import Wire
from tests.server.support import Memory, answer, head_of, raw_server

OTHERS = [
    "http://files.example.org",
    "http://10.0.0.1:8080",
    "http://[2001:db8::1]",
    "http://localhost.example.org",
]
OURS = [
    "http://localhost:80",
    "http://127.1.2.3",
    "http://[::1]:8080",
    "http://[::ffff:127.0.0.1]",
    "http://a.localhost",
]


@pytest.mark.parametrize("url", OTHERS)
async def test_nothing_goes_in_clear_to_another_computer_unasked(url: str) -> None:
    with pytest.raises(Refused, match="Nothing was sent") as caught:
        await register(url, "user1", "secret", None, "id")
    assert "--insecure-http (syncin-mount server add --help)" in sentence(caught.value)
    async with Session(ServerAccount("home", url, "user1", "id"), Memory("t")) as session:
        with pytest.raises(Refused) as caught:
            await session.check()
    assert "--insecure-http (syncin-mount server edit home --help)" in sentence(caught.value)
    refuse_clear(url, Way(insecure_http=True), "home")


@pytest.mark.parametrize("url", [*OURS, "https://files.example.org"])
def test_what_does_not_leave_this_computer_or_is_encrypted_may_go(url: str) -> None:
    refuse_clear(url, Way(), "home")


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("proxy:3128", Proxy("http", "proxy", 3128)),
        ("http://proxy", Proxy("http", "proxy", 80)),
        ("https://proxy/", Proxy("https", "proxy", 443)),
        (
            "http://us%40er:p%3Ass%25w%C3%B6rd@proxy:1",
            Proxy("http", "proxy", 1, (b"us@er", "p:ss%wörd".encode())),
        ),
        ("http://user@proxy", Proxy("http", "proxy", 80, (b"user", b""))),
        ("http://[::1]:3128", Proxy("http", "::1", 3128)),
        ("socks5://proxy", Proxy("socks5", "proxy", 1080)),
        ("socks5h://u:p@[fe80::1]:9", Proxy("socks5", "fe80::1", 9, (b"u", b"p"))),
        ("socks://proxy", Proxy("socks5", "proxy", 1080)),
        ("http://straße.example:1", Proxy("http", "xn--strae-oqa.example", 1)),
        ("http://proxy.", Proxy("http", "proxy.", 80)),
    ],
)
def test_proxies(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "http://proxy:99999",
        "http://proxy:x",
        "http://proxy:0",
        "http://proxy:-1",
        "http://[::1",
        "ftp://p",
        "socks4://p",
        "socks4a://p",
        "http://secret:secret@:1",
        "http://p/path",
        "http://p?q",
        "http://pro xy",
        "http://.",
        "http://a..example",
        f"http://{'n' * 64}.example",
        "http://e\u0301..example",
        f"http://{'ü' * 64}.example",
        "socks5://:@p",
        "socks5://u:@p",
        f"socks5://{'secret' * 50}:p@p",
        "http://secret:secret@p:secret",
    ],
)
def test_no_proxies(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"[a-z]") as caught:
        parse_proxy(text)
    assert "secret" not in str(caught.value)
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if text:  # an empty variable is none
        monkeypatch.setenv("all_proxy", text)
        with pytest.raises(Refused, match=r"the environment names .* Nothing was sent"):
            proxy_for("https://files.example.org", Way())


async def test_a_proxy_that_is_not_known_is_never_passed_by() -> None:
    heads: list[bytes] = []

    async def handler(stream: trio.SocketStream) -> None:
        heads.append(await head_of(stream))

    async with raw_server(handler) as url:
        with pytest.raises(Refused, match="kind 'socks4' are not known"):
            await register(url, "user1", "x", None, "id", way=Way(proxy="socks4://127.0.0.1:1"))
    assert heads == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_http_proxy_gets_the_login_as_it_is(host: str) -> None:
    heads: list[bytes] = []

    async def handler(stream: trio.SocketStream) -> None:
        async with stream:
            heads.append(await head_of(stream))
            await stream.send_all(answer("407 Proxy", b"", "text/html"))

    async with listening(handler, host) as port:
        shown = f"[{host}]" if ":" in host else host
        way = Way(insecure_http=True, proxy=f"http://us%40er:p%3Ass%25w%C3%B6rd@{shown}:{port}")
        with pytest.raises(Unreachable, match="proxy"):
            await register("http://files.example.org", "user1", "x", None, "id", way=way)
    login = base64.b64encode("us@er:p:ss%wörd".encode())
    assert heads[0].startswith(b"GET http://files.example.org/api/app/sync/handshake HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " + login in heads[0]


@asynccontextmanager
async def listening(
    handler: Callable[[trio.SocketStream], Awaitable[None]], host: str
) -> AsyncIterator[int]:
    try:
        listeners = await trio.open_tcp_listeners(0, host=host)
    except OSError:
        pytest.skip(f"{host} is not there")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, handler, listeners))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


# SOCKS ----------------------------------------


async def exactly(stream: trio.SocketStream, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := await stream.receive_some(count - len(data))):
        data += more
    return data


async def dribbled(stream: trio.SocketStream, data: bytes) -> None:
    """Each byte alone, as networks may."""
    for each in data:
        await stream.send_all(bytes([each]))
        await trio.lowlevel.checkpoint()


class Socks:
    """A proxy that knows one name, ``server.invalid``, for the port ``to`` of this computer."""

    def __init__(self, to: int, login: tuple[bytes, bytes] | None) -> None:
        self._to = to
        self._login = login
        self.asked: list[bytes] = []

    async def __call__(self, stream: trio.SocketStream) -> None:
        async with stream:
            version, count = await exactly(stream, 2)
            methods = await exactly(stream, count)
            assert version == 5
            if self._login is not None:
                assert 2 in methods
                await dribbled(stream, b"\x05\x02")
                _, length = await exactly(stream, 2)
                user = await exactly(stream, length)
                word = await exactly(stream, (await exactly(stream, 1))[0])
                good = (user, word) == self._login
                await dribbled(stream, b"\x01\x00" if good else b"\x01\x01")
                if not good:
                    return
            else:
                await dribbled(stream, b"\x05\x00")
            head = await exactly(stream, 4)
            assert head == b"\x05\x01\x00\x03", (
                "the name itself is told, and looked up by nobody here"
            )
            self.asked.append(await exactly(stream, (await exactly(stream, 1))[0]))
            await exactly(stream, 2)
            async with (
                await trio.open_tcp_stream("127.0.0.1", self._to) as there,
                trio.open_nursery() as nursery,
            ):
                await dribbled(stream, b"\x05\x00\x00\x03\x04name\x00\x01")
                nursery.start_soon(self._carry, there, stream)
                await self._carry(stream, there)
                nursery.cancel_scope.cancel()

    @staticmethod
    async def _carry(source: trio.SocketStream, target: trio.SocketStream) -> None:
        async for piece in source:
            await target.send_all(piece)


async def sync_in(stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
    """Answers as a server, for as long as somebody asks."""
    while head := await head_of(stream):
        if b"auth/token" in head:
            await stream.send_all(answer("201 Created", b'{"access":"a","refresh":"r"}'))
        else:
            await stream.send_all(answer("200 OK", b"[]"))


@pytest.mark.parametrize("login", [None, (b"us@er", b"p:ss")], ids=["nobody", "login"])
async def test_socks_carries_all_and_looks_the_name_up_itself(
    login: tuple[bytes, bytes] | None,
) -> None:
    async with raw_server(sync_in) as url:
        socks = Socks(urlsplit(url).port or 0, login)
        async with listening(socks, "127.0.0.1") as port:
            way = Way(
                insecure_http=True,
                proxy=f"socks5://{'us%40er:p%3Ass@' if login else ''}127.0.0.1:{port}",
            )
            account = ServerAccount("home", "http://server.invalid:8080", "user1", "id", way)
            async with Session(account, Memory("t")) as session:
                assert await tree(session, "personal") == []
    assert set(socks.asked) == {b"server.invalid"}


async def test_the_environments_socks_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with raw_server(sync_in) as url:
        socks = Socks(urlsplit(url).port or 0, None)
        async with listening(socks, "127.0.0.1") as port:
            monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
            account = ServerAccount(
                "home", "http://server.invalid", "user1", "id", Way(insecure_http=True)
            )
            async with Session(account, Memory("t")) as session:
                assert await tree(session, "personal") == []
    assert set(socks.asked) == {b"server.invalid"}


BROKEN = {
    "wants a log-in": b"\x05\xff",
    "version 4": b"\x04\x00",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "ends": b"",
    "refused": b"\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00",
    "no such code": b"\x05\x00\x05\x63\x00\x01\x00\x00\x00\x00\x00\x00",
    "no such address": b"\x05\x00\x05\x00\x00\x09",
    "cut": b"\x05\x00\x05\x00\x00\x03\xff",
}


@pytest.mark.parametrize("said", list(BROKEN))
async def test_a_socks_proxy_that_fails_is_a_server_out_of_reach(said: str) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(BROKEN[said])

    async with listening(handler, "127.0.0.1") as port:
        way = Way(insecure_http=True, proxy=f"socks5://127.0.0.1:{port}")
        with pytest.raises(Unreachable, match="proxy"):
            await register("http://server.invalid", "user1", "x", None, "id", way=way)


async def test_a_socks_proxy_that_says_nothing_is_waited_for_as_a_server_is(
    autojump_clock: object,
) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with listening(handler, "127.0.0.1") as port:
        way = Way(insecure_http=True, proxy=f"socks5://127.0.0.1:{port}")
        with trio.fail_after(60), pytest.raises(Unreachable):
            await register(
                "http://server.invalid",
                "user1",
                "x",
                None,
                "id",
                way=way,
                timeouts=Timeouts(connect=5),
            )


# Certificates ----------------------------------------


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, for localhost, that is its own authority."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            path,
            "-out",
            path,
        ],
        check=True,
        capture_output=True,
    )
    return path


@pytest.mark.parametrize("is_there", [True, False])
def test_the_system_s_certificates_lie_where_its_distribution_has_them(
    pem: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """Another distribution's OpenSSL, as a package with its own Python has it, looks elsewhere."""
    for name in (trust.FILE, trust.FOLDER):
        monkeypatch.delenv(name, raising=False)
    found = ssl.get_default_verify_paths()
    # typeshed has them as texts; what is not there is None
    paths: dict[str, Any] = {"cafile": None, "capath": None}
    nowhere = found._replace(openssl_cafile="/nowhere", openssl_capath="/nowhere", **paths)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setattr(trust, "BUNDLES", ("/not/there", str(pem) if is_there else "/nor/there"))
    trusted = trust.trusting(None, insecure=False).get_ca_certs()
    own = [each for each in trusted if each["subject"] == ((("commonName", "localhost"),),)]
    assert len(own) == is_there
    assert is_there or trusted, "then certifi's"


@pytest.mark.slow
@pytest.mark.parametrize("by_socks", [False, True])
async def test_certificates_that_are_trusted_and_shown(pem: Path, by_socks: bool) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pem))
    context.verify_mode = ssl.CERT_REQUIRED
    # later ones refuse only after the request has begun
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pem)

    async def handler(stream: trio.SocketStream) -> None:
        try:
            await sync_in(trio.SSLStream(stream, context, server_side=True, https_compatible=True))
        except (trio.BrokenResourceError, ssl.SSLError):
            return

    async def ask(url: str, way: Way) -> None:
        async with Session(ServerAccount("home", url, "user1", "id", way), Memory("t")) as session:
            assert await tree(session, "personal") == []

    async with raw_server(handler) as plain:
        port = urlsplit(plain).port or 0
        async with listening(Socks(port, None), "127.0.0.1") as socks:
            url = f"https://localhost:{port}"
            proxy = f"socks5://127.0.0.1:{socks}" if by_socks else None
            await ask(url, Way(proxy=proxy, ca_file=str(pem), client_cert=str(pem)))
            with pytest.raises(Untrusted):
                await ask(url, Way(proxy=proxy, client_cert=str(pem)))
            with pytest.raises((Untrusted, Unreachable)):
                await ask(url, Way(proxy=proxy, ca_file=str(pem)))


@pytest.mark.parametrize("which", ["ca_file", "client_cert"])
async def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, which: str) -> None:
    (tmp_path / "no pem").write_text("no certificate")
    for path in (tmp_path / "nowhere", tmp_path / "no pem", tmp_path):
        with pytest.raises(Refused, match=f"The file {path} of "):
            await register(
                "https://127.0.0.1:1",
                "user1",
                "x",
                None,
                "id",
                way=Way(**{which: str(path)}),  # type: ignore[arg-type]
            )


@pytest.fixture
def locked(tmp_path: Path, pem: Path) -> Path:
    """The certificate with a key that is protected."""
    path = tmp_path / "locked.pem"
    command = [
        "openssl",
        "pkey",
        "-in",
        str(pem),
        "-aes256",
        "-passout",
        "pass:secret",
        "-out",
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(pem.read_bytes()[pem.read_bytes().index(b"-----BEGIN CERTIFICATE") :])
    return path


async def test_a_key_with_a_passphrase_asks_nobody(locked: Path) -> None:
    with pytest.raises(Refused, match="protected by a passphrase"):
        await register(
            "https://127.0.0.1:1", "user1", "x", None, "id", way=Way(client_cert=str(locked))
        )


@pytest.mark.parametrize("url", ["https://999.1.1.1", "https://☃.example"])
async def test_an_address_that_nobody_can_have_is_told_by_the_first_request(url: str) -> None:
    """A drive is mounted all the same."""
    async with Wire(url) as wire:
        with pytest.raises(Refused, match="is no address of a server"):
            wire._opened()
