"""Accounts and what may be the matter with them: each trouble has its sentence and its way out, and
loses nothing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from syncin_mount.devserver import DevServer, User, serve
from syncin_mount.devserver.certificate import FILE_NAME as CERTIFICATE
from syncin_mount.devserver.certificate import self_signed
from syncin_mount.devserver.store import Account, Client
from syncin_mount.devserver.tokens import totp
from tests.cli.conftest import PASSWORD, World, until
from tests.cli.terminals import terminal

SECRET = "JBSWY3DPEHPK3PXP"


def client_of(world: World) -> Client:
    [client] = world.dev.store.state.clients
    return client


def account_of(world: World) -> Account:
    account = world.dev.store.account_named("user1")
    assert account is not None
    return account


def disable(world: World) -> None:
    client_of(world).enabled = False


def expire(world: World) -> None:
    client_of(world).token_expiration = int(time.time()) - 1


def revoke(world: World) -> None:
    world.dev.store.remove_client(client_of(world))


def suspend(world: World) -> None:
    account_of(world).active = False


def forbid(world: World) -> None:
    account_of(world).applications.remove("desktop_app_sync")


def nothing(world: World) -> None:
    """The way out is the command's."""


@pytest.mark.parametrize(
    ("trouble", "says", "mend", "log_in"),
    [
        (disable, "is disabled on", lambda world: setattr(client_of(world), "enabled", True), None),
        (expire, "is expired; log in again with `syncin-mount server auth home`", nothing, []),
        (revoke, "does not know this client any more", nothing, ["--register"]),
        (
            suspend,
            "is suspended or may not synchronize; ask its administrator",
            lambda world: setattr(account_of(world), "active", True),
            None,
        ),
        (
            forbid,
            "has no permission for that any more; ask its",
            lambda world: account_of(world).applications.append("desktop_app_sync"),
            None,
        ),
    ],
)
async def test_trouble_is_named_and_ends_without_loss(
    world: World,
    trouble: Callable[[World], None],
    says: str,
    mend: Callable[[World], None],
    log_in: list[str] | None,
):
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    trouble(world)
    said = await world.refused("sync", "docs", status=5)
    assert says in said
    [account] = await world.json("server", "list")  # nobody is asked for that
    let_in = trouble is forbid
    assert (account["logged_in"], account["log_in_refused"]) == (let_in, not let_in)
    (world.disk / "there").write_text("there")
    mend(world)
    if log_in is not None:
        await world.log_in_again(*log_in)
    await world.must("sync", "docs")
    assert (await world.json("status", "docs"))[0]["known"] == 1
    [account] = await world.json("server", "list")
    assert (account["logged_in"], account["log_in_refused"]) == (True, False)


@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize(("trouble", "options"), [(expire, []), (revoke, ["--register"])])
async def test_a_mounted_drive_goes_on_as_soon_as_somebody_logs_in_again(
    world: World, trouble: Callable[[World], None], options: list[str]
):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    await world.stop()
    trouble(world)
    world.dev.store.state.signing_key = "f" * 64  # access given before is not accepted any more
    await world.start()
    (world.drive / "unsent").write_text("only here")
    await world.refused("sync", "docs", status=5)
    assert not (world.disk / "unsent").exists()
    await world.log_in_again(*options)

    async def sent() -> bool:
        return (world.disk / "unsent").exists()

    with trio.fail_after(30):  # and not when the next try is due
        await until(sent, "the drive goes on")


@pytest.mark.parametrize("round_", range(3))
async def test_processes_that_renew_one_token_at_once_do_not_take_it_from_each_other(
    world: World, round_: int
):
    """Every drive is a process of its own, and the old token is dead as soon as the first has a new
    one."""
    await world.log_in()
    client = client_of(world)
    before = client.token
    client.token_expiration = int(time.time()) + 30 * 86400
    statuses: list[int] = []

    async def look() -> None:
        statuses.append((await world.run("remote", "ls", "--server", "home")).status)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(look)
    assert statuses == [0] * 5
    assert client.token != before
    assert (world.home / "state/tokens" / client.id).read_text() == client.token
    await world.must("remote", "ls", "--server", "home")


async def test_two_accounts_of_one_server_live_beside_each_other(world: World):
    account = world.dev.store.account_named("user2")
    assert account is not None
    account.applications = list(account_of(world).applications)
    (world.dev.files_of("user2") / "docs").mkdir()
    await world.log_in()
    words = ("--login", "user2", "--password-stdin")
    await world.must("server", "add", "other", world.url, *words, stdin=f"{PASSWORD}\n")
    again = await world.refused(
        "server", "add", "third", world.url, *words, stdin=f"{PASSWORD}\n", status=1
    )
    assert again == f"user2 at {world.url} is there already, as 'other'"
    await world.add()
    place = str(world.base / "drive2")
    await world.must(
        "add", "docs2", "--server", "other", "--remote", "personal/docs", "--mountpoint", place
    )
    (world.dev.files_of("user2") / "docs/x").write_text("x")
    await world.must("sync", "--all")
    known = {each["name"]: each["known"] for each in await world.json("status")}
    assert known == {"docs": 0, "docs2": 1}


async def test_a_changed_password_ends_no_log_in(world: World):
    await world.log_in()
    account_of(world).password_hash = world.dev.store.account_named("user2").password_hash  # type: ignore[union-attr]
    await world.must("remote", "ls", "--server", "home")


async def test_a_second_factor_is_asked_for_on_a_terminal(world: World):
    account_of(world).totp_secret = SECRET
    account_of(world).recovery_codes = ["one-two", "three-four"]
    words = ("server", "add", "home", world.url, "--login", "user1")
    said = await world.refused(*words, "--password-stdin", stdin=f"{PASSWORD}\n", status=5)
    assert said.endswith("it wants a two-factor code; give it with --code")
    await world.must(*words, "--password-stdin", "--code", "one-two", stdin=f"{PASSWORD}\n")
    assert account_of(world).recovery_codes == ["three-four"]
    await world.must("server", "remove", "home")
    shown = await trio.to_thread.run_sync(typed, world, [*words], [PASSWORD, "three-four"])
    assert "Two-factor or recovery code: " in shown
    assert f"home: logged in to {world.url} as user1" in shown
    assert PASSWORD not in shown
    assert account_of(world).recovery_codes == []


async def test_a_second_factor_is_wanted_once_and_renewals_do_not_ask_again(world: World):
    account = account_of(world)
    account.totp_secret, account.recovery_codes = SECRET, ["one-two"]
    words = ("server", "add", "home", world.url, "--login", "user1", "--password-stdin")

    def lines(code: str) -> str:
        return f"{PASSWORD}\n{code}\n"

    now = totp(SECRET, time.time())
    wrong = str((int(now) + 500_000) % 1_000_000).zfill(6)
    said = await world.refused(*words, "--code", "-", stdin=lines(wrong), status=5)
    assert "code" in said
    assert wrong not in said
    assert "no code came on standard input" in await world.refused(
        *words, "--code", "-", stdin=f"{PASSWORD}\n"
    )
    assert await world.json("server", "list") == []
    await world.must(*words, "--code", "-", stdin=lines(totp(SECRET, time.time())))

    await world.add()
    client = client_of(world)
    before = client.token
    client.token_expiration = int(time.time()) + 30 * 86400
    world.dev.store.state.signing_key = "f" * 64  # no access given before is accepted
    await world.must("sync", "docs")
    assert client.token != before, "it was renewed"

    await world.must(
        "server", "auth", "home", "--password-stdin", "--code", "-", stdin=lines("one-two")
    )
    assert account.recovery_codes == []
    again = ("server", "auth", "home", "--password-stdin", "--code", "-")
    await world.refused(*again, stdin=lines("one-two"), status=5)
    await world.must("sync", "docs")


def typed(world: World, words: list[str], answers: list[str]) -> str:
    """What a terminal shows of the command; an answer is typed at each question."""
    master, slave = pty.openpty()
    env = {**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)}
    process = subprocess.Popen(
        [sys.executable, "-m", "syncin_mount", *words],
        env=env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    shown = ""
    with os.fdopen(master, "r+b", buffering=0) as terminal:
        for answer in answers:
            start = len(shown)
            while not shown[start:].rstrip("\r\n").endswith(": "):
                shown += terminal.read(1000).decode()
            terminal.write(f"{answer}\n".encode())
        try:
            while part := terminal.read(1000):
                shown += part.decode()
        except OSError:  # the other end is closed
            pass
    process.wait(60)
    return shown


@pytest.fixture
async def secured(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[str]:
    """The address of a server with a certificate that no system knows."""
    root = tmp_path / "secured"
    dev = DevServer(root, [User(login="user1", password=PASSWORD)])
    (dev.files_of("user1") / "docs").mkdir()

    async def run(*, task_status: trio.TaskStatus[object]) -> None:
        await serve(dev, tls=self_signed(root, "127.0.0.1"), task_status=task_status)

    running = await nursery.start(run)
    yield running.url
    dev.close()


def fingerprint_of(certificate: Path) -> str:
    """As openssl tells it."""
    words = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(certificate)]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    return told.stdout.strip().rpartition("=")[2]


async def test_the_assistant_accepts_such_a_certificate_when_somebody_says_so(
    world: World, secured: str
):
    (world.base / "user").mkdir()
    fingerprint = fingerprint_of(world.base / "secured" / CERTIFICATE)
    with terminal(world, "add", HOME=str(world.base / "user")) as seen:
        for accepted in ("n", "y"):
            await seen.answer("The server's address.*: ", secured if accepted == "n" else "")
            said = await seen.answer(
                r"Accept a certificate that nobody verifies\? \[y/N\]: ", accepted
            )
            assert f"Its SHA-256 fingerprint is {fingerprint}" in said.replace("\r", "")
        await seen.answer("login or e-mail address there.*: ", "user1")
        await seen.answer("Password of user1 at .*: ", PASSWORD)
        assert "is not verified: whoever is in between" in await seen.expect(r"Folder \[")
        assert await seen.interrupt() == 130
    assert [each["tls_verified"] for each in await world.json("server", "list")] == [False]


async def test_a_certificate_that_nobody_knows_is_refused_and_can_be_accepted_loudly(
    world: World, secured: str
):
    assert secured.startswith("https://")
    words = ("server", "add", "tls", secured, "--login", "user1", "--password-stdin")
    said = await world.refused(*words, stdin=f"{PASSWORD}\n", status=5)
    assert said.startswith(f"The certificate of {secured} cannot be verified (")
    assert "--insecure-tls" in said
    done = await world.run(*words, "--insecure-tls", stdin=f"{PASSWORD}\n")
    warned = (
        f"the certificate of {secured} is not verified: whoever is in between can read and change"
        " everything"
    )
    assert done.status == 0
    assert warned in done.error
    assert "(TLS not verified)" in await world.must("server", "list")
    place = str(world.drive)
    await world.must(
        "add", "docs", "--server", "tls", "--remote", "personal/docs", "--mountpoint", place
    )
    await world.must("sync", "docs")
    assert warned in (world.home / "state/logs/docs.log").read_text()
    assert "docs: INSECURE: " + warned in (await world.must("status")).replace("\n", " ")
    [status] = await world.json("status")
    [listed], [server] = await world.json("list"), await world.json("server", "list")
    assert [each["tls_verified"] for each in (status, listed, server)] == [False] * 3
    assert warned in (await world.run("list")).error
    assert "its certificate is not verified" in (await world.run("doctor")).out
    said = await world.refused(
        "server", "auth", "tls", "--verify-tls", "--password-stdin", stdin=f"{PASSWORD}\n", status=5
    )
    assert "cannot be verified" in said
    await world.must("sync", "docs")


async def trusted(world: World, secured: str, *options: str) -> None:
    """A synchronization with that server, whose certificate is trusted."""
    words = ("server", "add", "tls", secured, "--login", "user1", "--password-stdin")
    await world.must(*words, *options, stdin=f"{PASSWORD}\n")
    place = str(world.drive)
    folder = ("--remote", "personal/docs", "--mountpoint", place)
    await world.must("add", "docs", "--server", "tls", *folder)


async def is_told_and_loses_nothing(world: World, names: str) -> None:
    """By `mount`, which mounts all the same, by `sync` and by `status`."""
    done = await world.run("mount", "docs")
    assert (done.status, names in done.error, done.error.count("\n")) == (0, True, 1), done
    (world.drive / "unsent").write_text("only here")
    assert names in await world.refused("sync", "docs", status=5)
    assert names in str((await world.json("status", "docs"))[0]["why_failed"])
    await world.must("umount", "docs")


@pytest.mark.usefixtures("mounts")
async def test_certificates_that_the_environment_names_wrongly_are_told_by_each_command(
    world: World, secured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`mount` once ended without naming them: its own daemon's socket was thought to need them."""
    good, lost = tmp_path / "secured" / CERTIFICATE, tmp_path / "lost.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(good))
    await trusted(world, secured)
    monkeypatch.setenv("SSL_CERT_FILE", str(lost))
    names = f"SSL_CERT_FILE names {lost}, where no certificates can be read (No such file or "
    address = secured.replace("127.0.0.1", "localhost")
    words = ("server", "add", "other", address, "--login", "user1", "--password-stdin")
    assert names in await world.refused(*words, stdin=f"{PASSWORD}\n", status=5)
    assert names in (await world.run("doctor")).out
    await is_told_and_loses_nothing(world, names)
    monkeypatch.setenv("SSL_CERT_FILE", str(good))
    await world.must("sync", "docs")
    assert (tmp_path / "secured/users/user1/files/docs/unsent").read_text() == "only here"


@pytest.mark.usefixtures("mounts")
async def test_a_file_of_certificates_that_went_away_is_told(
    world: World, secured: str, tmp_path: Path
):
    own = tmp_path / "own.pem"
    own.write_bytes((tmp_path / "secured" / CERTIFICATE).read_bytes())
    await trusted(world, secured, "--ca-file", str(own))
    own.unlink()
    names = f"The file {own} of certificates cannot be used (No such file or directory)"
    await is_told_and_loses_nothing(world, names)
