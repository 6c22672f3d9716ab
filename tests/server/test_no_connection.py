"""Servers that cannot be reached, their addresses, and the proxies on the way."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
import trio
import trio.testing

from reconciler.errors import (
    Exists,
    Refused,
    Unauthorized,
    Unreachable,
)
from syncin_mount.addresses import is_loopback
from syncin_mount.app.messages import sentence
from syncin_mount.remote import (
    Folder,
    ServerAccount,
    Session,
    Untrusted,
    parse_url,
    register,
)
from syncin_mount.remote.browse import tree
from syncin_mount.remote.http.route import NO_PROXY, Proxy, Way, proxy_for
from tests.server.support import (
    BIG,
    ERROR_405,
    Memory,
    answer,
    closes,
    head_of,
    put,
    raw_server,
)


async def test_nothing_listens() -> None:
    async with raw_server(closes) as url:
        pass
    async with Session(ServerAccount("home", url, "user1", "id"), Memory("t")) as session:
        with pytest.raises(Unreachable, match="connection was refused") as caught:
            await session.check()
        assert caught.value.done is False


async def test_an_unknown_name() -> None:
    async with Session(
        ServerAccount("home", "https://nowhere.invalid", "user1", "id"), Memory("t")
    ) as session:
        with pytest.raises(Unreachable, match="cannot be found"):
            await session.check()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
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


async def test_tls_is_checked(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def handler(stream: trio.SocketStream) -> None:
        secure = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            head = await head_of(secure)
        except trio.BrokenResourceError:
            return
        if b"auth/token" in head:
            await secure.send_all(answer("201 Created", b'{"access":"a","refresh":"r"}'))
            head = await head_of(secure)
        if head.startswith(b"POST"):  # an upload, refused early over TLS
            await secure.send_all(ERROR_405)
            await trio.sleep_forever()
        await secure.send_all(answer("200 OK", b"[]"))

    async with raw_server(handler) as url:

        async def ask(insecure: bool) -> None:
            account = ServerAccount(
                "home", url.replace("http:", "https:"), "user1", "id", Way(insecure_tls=insecure)
            )
            async with Session(account, Memory("t")) as session:
                assert await tree(session, "personal") == []
                with trio.fail_after(5), pytest.raises(Exists):
                    await put(Folder(session, "personal/x"), "f", BIG)

        with pytest.raises(Untrusted, match="certificate") as caught:
            await ask(insecure=False)
        assert "--insecure-tls" in sentence(caught.value)
        assert not caught.value.temporary
        await ask(insecure=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await ask(insecure=False)


async def test_no_tls_where_it_is_due() -> None:
    async with raw_server(closes) as url:
        with pytest.raises(Untrusted, match="does not speak TLS"):
            await register(url.replace("http:", "https:"), "user1", "x", None, "id")


# Addresses and proxies ----------------------------------------


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("cloud.example.org", "https://cloud.example.org"),
        (" https://cloud.example.org/ ", "https://cloud.example.org"),
        ("http://127.0.0.1:8080/sub/", "http://127.0.0.1:8080/sub"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://x",
        "http://",
        "http://x:port",
        "http://user1:secret@x",
        "http://x/?a",
        "http://a b",
        "http://[::1",
        "http://x:99999",
        "https://.",
        "../../x",
        "https://a..example",
        f"https://{'n' * 64}.example",
        f"https://{'ü' * 64}.example",
    ],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_url(text)
    assert "secret" not in str(caught.value)


def test_proxies_are_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example.org")
    for url in (
        "http://localhost:1",
        "http://127.0.0.2",
        "https://[::1]",
        "http://inside.example.org",
    ):
        assert proxy_for(url, Way()) is None
    assert proxy_for("https://cloud.example.org", Way()) == Proxy("http", "proxy", 3128)
    assert proxy_for("https://cloud.example.org", Way(proxy=NO_PROXY)) is None
    assert proxy_for("http://localhost:1", Way(proxy="socks5://other")) == Proxy(
        "socks5", "other", 1080
    )
    assert not is_loopback("10.0.0.1")


async def test_a_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []

    async def handler(stream: trio.SocketStream) -> None:
        lines.append((await head_of(stream)).split(b"\r\n")[0])
        await stream.send_all(answer("407 Proxy", b"", "text/html"))

    async with raw_server(handler) as url:
        monkeypatch.setenv("http_proxy", url)
        with pytest.raises(Unreachable, match="proxy"):
            await register(
                "http://cloud.example.org", "user1", "x", None, "id", way=Way(insecure_http=True)
            )
    assert lines == [b"GET http://cloud.example.org/api/app/sync/handshake HTTP/1.1"]


async def test_what_is_no_sync_in_server() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        head = await head_of(stream)
        assert b"\r\nUser-Agent: sync-in-mount/" in head
        await stream.send_all(
            answer("404 Not Found", b'{"statusCode":404,"message":"Server not found"}')
        )

    async with raw_server(handler) as url:
        with pytest.raises(Refused, match="does not greet"):
            await register(url, "user1", "x", None, "id")


async def test_secrets_stay_out_of_messages(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def handler(stream: trio.SocketStream) -> None:
        head = await head_of(stream)
        if b"handshake" in head:
            await stream.send_all(answer("200 OK", b'{"server":"sync-in"}'))
            await head_of(stream)
        await stream.send_all(
            answer("401 Unauthorized", b'{"statusCode":401,"message":"Wrong login or password"}')
        )

    async with raw_server(handler) as url:
        with pytest.raises(Unauthorized, match="Wrong login or password") as caught:
            await register(url, "user1", "open-sesame", "123456", "id")
    text = caplog.text + str(caught.value)
    assert "open-sesame" not in text
    assert "123456" not in text
