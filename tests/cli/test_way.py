"""`server add|edit`: how a server is reached, said before anything is sent, kept, and told where it
is not safe."""

from __future__ import annotations

import gzip

import pytest

from tests.cli.conftest import PASSWORD, World

OTHER = "http://files.example.org"


async def test_in_clear_only_when_somebody_said_so(world: World):
    words = ("server", "add", "far", OTHER, "--login", "user1", "--password-stdin")
    said = await world.refused(*words)
    assert said.startswith(
        f"Nothing was sent to {OTHER}: with http:// everybody in between reads the password"
    )
    done = await world.run(
        *words, "--insecure-http", "--proxy", "http://127.0.0.1:1", stdin=f"{PASSWORD}\n"
    )
    assert done.status == 3, "it is tried"
    assert f"everything to and from {OTHER} goes in clear" in done.error
    assert await world.json("server", "list") == []


async def test_what_was_configured_in_clear_before_is_refused_with_a_way_out(world: World):
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    world.config.write_text(world.config.read_text().replace(world.url, OTHER))
    before = world.config.read_bytes()
    done = await world.run("sync", "docs")
    assert done.status == 5
    assert "Nothing was sent" in done.error
    assert "syncin-mount server edit home" in done.error
    assert "goes in clear" in (await world.run("list")).error
    assert [each["tls_verified"] for each in await world.json("server", "list")] == [False]
    assert "(in clear)" in await world.must("server", "list")
    assert "INSECURE" in await world.must("status", "docs")
    assert world.config.read_bytes() == before
    await world.must("server", "edit", "home", "--url", world.url)
    await world.must("sync", "docs")
    assert (await world.run("list")).error == ""


async def test_the_way_is_kept_and_a_proxys_password_is_not_shown(world: World):
    await world.log_in()
    proxy = "socks5://user1:hidden%40word@127.0.0.1:1"
    await world.must("server", "edit", "home", "--proxy", "-", stdin=f"{proxy}\n")
    assert proxy in world.config.read_text()
    for words in (("server", "list", "--json"), ("server", "list"), ("doctor",)):
        done = await world.run(*words)
        assert "hidden" not in done.out + done.error
    [server] = await world.json("server", "list")
    assert server["proxy"] == "socks5://127.0.0.1:1"
    await world.run("doctor", "--collect", str(world.base / "r.tar.gz"), "--with-names")
    assert b"hidden" not in gzip.decompress((world.base / "r.tar.gz").read_bytes())
    await world.must("server", "edit", "home", "--proxy", "env")
    assert "proxy" not in world.config.read_text()
    assert "say what is to change" in await world.refused("server", "edit", "home")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--proxy", "socks4://p"), "kind 'socks4' are not known"),
        (("--proxy", "http://p:99999"), "its port or address is none"),
        (("--url", OTHER), "Nothing was sent"),
        (("--url", "ftp://x"), "no address of a server"),
        (
            ("--url", "https://x", "--ca-file", "/nowhere"),
            "The file /nowhere of certificates cannot be used",
        ),
        (
            ("--url", "https://x", "--client-cert", "/nowhere"),
            "The file /nowhere of certificate and key",
        ),
    ],
)
async def test_a_way_that_cannot_be_is_not_kept(world: World, words: tuple[str, ...], why: str):
    await world.log_in()
    before = world.config.read_bytes()
    done = await world.run("server", "edit", "home", *words)
    assert done.status in {2, 5}
    assert why in done.error
    assert world.config.read_bytes() == before
