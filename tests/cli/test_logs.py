"""`logs`, and that no secret is in anything that a whole session writes, says or runs with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import trio

from syncin_mount.config import Folders
from syncin_mount.control.supervision import NAME
from syncin_mount.devserver.tokens import totp
from tests.cli.conftest import PASSWORD, Done, World, until
from tests.cli.test_accounts import SECRET, account_of, client_of

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


def folders(world: World) -> Folders:
    return Folders(world.home, world.home / "state", world.home / "run", portable=True)


async def test_logs_of_one_and_of_all_by_level_and_as_json(world: World):
    await world.log_in()
    await world.add()
    assert await world.must("logs") == "nothing is logged yet\n"
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    world.dev.store.remove_client(client_of(world))
    world.dev.store.state.signing_key = "f" * 64
    await world.refused("sync", "docs", status=5)
    shown = await world.must("logs", "docs")
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d mounting docs at ", shown, re.MULTILINE)
    urgent = await world.must("logs", "--level", "warning")
    assert "docs: the server refuses the log-in" in urgent
    assert "mounting" not in urgent
    found = [json.loads(line) for line in (await world.must("logs", "docs", "--json")).splitlines()]
    assert {"time", "level", "name", "from", "msg"} <= found[0].keys()
    assert (await world.must("logs", "docs", "-n", "1")).count("\n") == 1
    assert "there is no synchronization 'x'" in await world.refused("logs", "x")


async def test_following_goes_on_when_the_file_is_rotated(world: World):
    await world.log_in()
    await world.add()
    path = folders(world).log("docs")
    path.parent.mkdir(parents=True)
    line = "time=2026-11-26T10:00:00.000Z level=info sync=docs from=here msg={}\n"
    path.write_text(line.format("first"))
    env = {**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)}
    command = [sys.executable, "-m", "syncin_mount", "logs", "docs", "--follow"]
    process = await trio.lowlevel.open_process(command, env=env, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        with trio.fail_after(60):
            assert await ends_with(process.stdout, "first")
            with path.open("a") as file:
                file.write(line.format("second"))
            assert await ends_with(process.stdout, "second")
            path.rename(path.with_name("docs.log.1"))
            path.write_text(line.format("third"))
            assert await ends_with(process.stdout, "third")
    finally:
        process.kill()
        await process.wait()


async def ends_with(stream: trio.abc.ReceiveStream, word: str) -> bool:
    said = b""
    while not said.endswith(f"{word}\n".encode()):
        part = await stream.receive_some()
        if not part:
            return False
        said += part
    return True


# no secrets ---------------------------------------------------------------------------------------


class Session(World):
    """A world whose commands all run with --debug, and that remembers what they said."""

    said: list[str]

    async def run(
        self, *words: str, stdin: str = "", home: Path | None = None, process: bool = False
    ) -> Done:
        done = await World.run(self, *words, "--debug", stdin=stdin, home=home, process=process)
        self.said += [done.out, done.error]
        return done


@pytest.fixture
async def session(world: World) -> AsyncIterator[Session]:
    session = Session(**vars(world))
    session.said = []
    yield session
    with trio.CancelScope(shield=True):
        await session.run("down", "--force")


def processes(session: World) -> list[Path]:
    """Those of the session's profile: its daemons and its supervisor."""
    marked = f"SYNCIN_MOUNT_HOME={session.home}".encode()
    found = []
    for each in Path("/proc").iterdir():
        try:
            if (
                each.name.isdigit()
                and int(each.name) != os.getpid()
                and marked in (each / "environ").read_bytes()
            ):
                found.append(each)
        except OSError:
            continue
    return found


ACCESS = re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}\.")
"""What the server's access and refresh tokens look like, whichever it gave."""


def surroundings(session: Session) -> list[bytes]:
    """What others, or tools, see of the session's processes."""
    return [
        (each / "cmdline").read_bytes() + (each / "environ").read_bytes()
        for each in processes(session)
    ]


async def test_no_secret_is_in_what_is_written_said_or_run(session: Session):
    secrets = {PASSWORD, SECRET, "a-wrong-password", "one-two", "three-four"}
    account = account_of(session)
    account.totp_secret, account.recovery_codes = SECRET, ["one-two", "three-four"]
    words = ("server", "add", "home", session.url, "--login", "user1", "--password-stdin")
    await session.run(*words, stdin="a-wrong-password\n")
    await session.run(*words, stdin=f"{PASSWORD}\n")
    await session.must(
        *words, "--code", "-", stdin=f"{PASSWORD}\n{(code := totp(SECRET, time.time()))}\n"
    )
    await session.add()
    await session.must("up")
    seen = surroundings(session)
    assert len(seen) == 2, "the supervisor and the drive"
    (session.drive / "both").write_text("agreed on")
    await session.must("sync", "--wait", "docs")
    secrets.add(client_of(session).token)

    # A conflict while the server is away, and a token that is renewed when it is back.
    await session.stop()
    (session.drive / "both").write_text("written here, and longer")
    (session.disk / "both").write_text("written there")
    client_of(session).token_expiration = int(time.time()) + 30 * 86400
    session.dev.store.state.signing_key = "f" * 64
    await session.start()
    await session.must("sync", "docs")
    secrets.add(client_of(session).token)
    await session.run("bin", "list", "docs")

    # The client is revoked, and somebody logs in again.
    session.dev.store.remove_client(client_of(session))
    session.dev.store.state.signing_key = "e" * 64
    await session.run("sync", "docs")
    await session.run(
        "server", "auth", "home", "--password-stdin", "--code", "-", stdin=f"{PASSWORD}\n000000\n"
    )
    await session.must(
        "server",
        "auth",
        "home",
        "--password-stdin",
        "--code",
        "-",
        "--register",
        stdin=f"{PASSWORD}\nthree-four\n",
    )
    await until(partial(runs, session), "a run after the log-in")
    secrets.add(client_of(session).token)
    for command in (
        ("status", "--json"),
        ("doctor",),
        ("server", "list", "--json"),
        ("show", "docs"),
        ("logs",),
    ):
        await session.run(*command)
    seen += surroundings(session)
    await session.must("down")

    log = folders(session).log("docs").read_text()
    assert "level=debug" in log, "--debug reached the daemon"
    assert "PROPFIND" in log or "GET api" in log or "PUT api" in log
    assert "mounted" in folders(session).log(NAME).read_text()
    tokens = folders(session).tokens
    places = [
        path for path in session.home.rglob("*") if path.is_file() and tokens not in path.parents
    ]
    assert len(secrets) >= 7, "each of the three log-ins and renewals gave a token"
    written = {path: path.read_bytes() for path in places}
    whole = [*written.values(), *(said.encode() for said in session.said), *seen]
    for secret in secrets:
        assert [path for path, data in written.items() if secret.encode() in data] == []
        assert not any(secret.encode() in data for data in whole)
    assert not any(ACCESS.search(data) for data in whole)
    assert not any(re.search(rb"\b%s\b" % code.encode(), data) for data in whole)
    assert [path.read_text() for path in tokens.iterdir()] == [client_of(session).token]


async def runs(session: Session) -> bool:
    return (await session.run("sync", "docs")).status == 0
