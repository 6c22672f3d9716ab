"""`up --at-login`: the units, as systemd reads them, and what the supervisor tells systemd.

No systemd runs where the tests do, so `systemctl` is a script that notes what it was asked; what it
would have read is read by `systemd-analyze verify`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from syncin_mount import autostart
from syncin_mount.app.messages.synchronizations import WELCOME
from syncin_mount.app.processes import at_login
from syncin_mount.autostart import UNIT, NotifySocket, system_unit, system_unit_name, user_unit
from syncin_mount.cli.commands import _systemd_unit
from tests.cli.conftest import LIMIT, World
from tests.cli.terminals import terminal
from tests.cli.test_up import ours
from tests.programs import needs, run

__all__ = ["ours"]  # a fixture

ODD = '/opt/a 100%/$x"y\\z/python'


def verified(folder: Path, name: str, text: str, *more: str) -> None:
    (folder / name).write_text(text)
    assert (
        run(
            "systemd-analyze",
            "verify",
            "--man=no",
            *more,
            folder / name,
            XDG_RUNTIME_DIR=str(folder),
        )
        == ""
    )


@pytest.mark.parametrize("environment", [{}, {"SYNCIN_MOUNT_HOME": '/srv/my 50% "drives"\\'}])
def test_systemd_takes_the_units(tmp_path: Path, environment: dict[str, str]):
    needs("systemd-analyze")
    verified(tmp_path, UNIT, user_unit(sys.executable, environment), "--user")
    verified(tmp_path, system_unit_name("root"), system_unit(sys.executable, environment, "root"))


def test_what_is_odd_in_a_path_is_quoted():
    text = user_unit(ODD, {"SYNCIN_MOUNT_HOME": "/a $b%", "HOME": "/home/user1"})
    assert 'ExecStart="/opt/a 100%%/$$x\\"y\\\\z/python" -m syncin_mount up --foreground\n' in text
    assert 'Environment="SYNCIN_MOUNT_HOME=/a $b%%"\n' in text
    assert "HOME=/home" not in text


def test_the_system_unit_runs_as_the_user_and_waits_for_no_log_in():
    text = system_unit("/usr/bin/python3", {"XDG_CONFIG_HOME": "/root/.config"}, "user1")
    assert "/root" not in text
    assert "\nUser=user1\n" in text
    assert "\nWantedBy=multi-user.target\n" in text
    assert "User=" not in user_unit("/usr/bin/python3", {})


@pytest.fixture
def systemctl(world: World, monkeypatch) -> Path:
    """What `systemctl` was asked for, a line each; with a file ``refuse`` beside it, it
    refuses, and a file ``state`` has what it says of the unit."""
    calls, programs = world.base / "calls", world.base / "programs"
    programs.mkdir()
    script = programs / "systemctl"
    refuse = "if [ -e refuse ]; then echo 'Failed to connect to bus' >&2; exit 1; fi"
    state = 'if [ "$2" = show ] && [ -e state ]; then cat state; fi'
    script.write_text(f'#!/bin/sh\necho "$@" >> {calls}\ncd {world.base}\n{refuse}\n{state}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(world.base / "xdg"))
    return calls


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("mounts")
async def test_it_is_installed_beside_a_running_supervisor_and_taken_away(
    ours: World, systemctl: Path
):
    await ours.must("up")
    said = await ours.must("up", "--at-login")
    assert said.startswith(
        "starts at every log-in from now on; to end that: syncin-mount up --not-at-login\n"
    )
    assert f"docs is mounted at {ours.drive}\n" in said
    unit = ours.base / "xdg" / "systemd" / "user" / UNIT
    assert f'Environment="SYNCIN_MOUNT_HOME={ours.home}"' in unit.read_text()
    # Not started: two supervisors cannot be.
    assert systemctl.read_text() == f"--user daemon-reload\n--user enable {UNIT}\n"
    systemctl.unlink()
    said = await ours.must("up", "--not-at-login")
    assert said == "is not started by itself any more; what is mounted stays so until 'down'\n"
    assert systemctl.read_text() == f"--user disable {UNIT}\n--user daemon-reload\n"
    assert not unit.exists()
    assert ours.drive.is_mount()
    assert await ours.must("up", "--not-at-login") == "it was not started by itself\n"


@pytest.fixture
def packaged(world: World, systemctl: Path, monkeypatch) -> World:
    """A program that a system's package brought, with its unit, in the usual folders."""
    shipped = world.base / "shipped"
    shipped.mkdir()
    (shipped / UNIT).write_text(autostart.shipped_unit(sys.executable))
    monkeypatch.setattr(autostart, "SHIPPED_IN", (str(shipped),))
    for name in ("SYNCIN_MOUNT_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(world.base))
    return world


async def test_the_unit_of_a_package_is_enabled_and_not_written_again(
    packaged: World, systemctl: Path
):
    units = packaged.base / ".config" / "systemd" / "user"
    units.mkdir(parents=True)
    # From before the package was there; it would hide the package's.
    (units / UNIT).write_text(user_unit("/opt/python", {}))
    _systemd_unit.install(running=False)
    assert systemctl.read_text() == f"--user daemon-reload\n--user enable --now {UNIT}\n"
    assert list(units.iterdir()) == []
    systemctl.unlink()
    # systemd's own link, which it makes when a unit is enabled.
    (units / "default.target.wants").mkdir()
    (units / "default.target.wants" / UNIT).symlink_to(packaged.base / "shipped" / UNIT)
    _systemd_unit.take_away(None)
    assert systemctl.read_text() == f"--user disable {UNIT}\n--user daemon-reload\n"


@pytest.mark.parametrize("other", ["program", "folders"])
async def test_the_unit_of_a_package_is_left_alone_by_what_it_does_not_run(
    packaged: World, other: str, monkeypatch
):
    if other == "program":
        (packaged.base / "shipped" / UNIT).write_text(autostart.shipped_unit("/opt/python"))
    else:
        monkeypatch.setenv("SYNCIN_MOUNT_HOME", "/srv/drives")
    _systemd_unit.install(running=False)
    written = packaged.base / ".config" / "systemd" / "user" / UNIT
    assert written.read_text() == user_unit(sys.executable, os.environ)


def test_systemd_takes_the_unit_of_a_package(tmp_path: Path):
    needs("systemd-analyze")
    verified(tmp_path, UNIT, autostart.shipped_unit(sys.executable), "--user")


@pytest.mark.parametrize(
    ("answer", "state"), [("enabled", "on"), ("disabled", "off"), ("", "off"), (None, "impossible")]
)
async def test_whether_it_starts_is_what_systemd_says(
    world: World, systemctl: Path, answer: str | None, state: str
):
    if answer is None:
        (world.base / "refuse").touch()
    else:
        (world.base / "state").write_text(answer)
    assert at_login.look().value == state
    assert systemctl.read_text().startswith("--user show ")


async def added(world: World, *answers: tuple[str, str]) -> str:
    """`add` in a terminal, to its end; ``answers`` follow that the drive is mounted. All that was
    shown."""
    home = world.base / "user"
    home.mkdir(exist_ok=True)
    words = ("add", "docs", "--remote", "personal/docs")
    with terminal(world, *words, HOME=str(home), NO_COLOR="1") as seen:
        await seen.answer(r"Folder \[.*\]: ", str(world.drive))
        await seen.answer("Keep these settings.*: ", "")
        await seen.answer(r"Add it\? \[Y/n\]: ", "")
        await seen.answer(r"Mount it now\? \[Y/n\]: ", "")
        for question, answer in answers:
            await seen.answer(question, answer)
        assert await seen.end() == 0
        return " ".join(" ".join(seen.lines()).split())


OFFER = r"Have your drives there from every log-in on, by themselves\? \[Y/n\]: "
LATER = "“syncin-mount up --at-login” has all drives there from log-in on."


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("mounts")
async def test_the_first_drive_is_welcomed_and_at_log_in_is_offered(world: World, systemctl: Path):
    await world.log_in()
    (world.base / "state").write_text("disabled")
    said = await added(world, (OFFER, ""))
    for each in WELCOME:
        assert each in said
    assert "starts at every log-in from now on" in said
    assert f"--user enable --now {UNIT}\n" in systemctl.read_text()
    assert (world.base / "xdg" / "systemd" / "user" / UNIT).exists()


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("mounts")
@pytest.mark.parametrize("why", ["no", "on", "impossible", "second", "fails"])
async def test_at_log_in_is_not_forced_on_anybody(world: World, systemctl: Path, why: str):
    await world.log_in()
    (world.base / "state").write_text("enabled" if why == "on" else "disabled")
    if why == "impossible":
        (world.base / "refuse").touch()
    if why == "second":
        (world.dev.files_of("user1") / "other").mkdir()
        words = ("--remote", "personal/other", "--mountpoint", str(world.base / "other"))
        await world.must("add", "other", *words)
    if why == "fails":
        (world.base / "xdg").mkdir()
        (world.base / "xdg" / "systemd").touch()  # no folder: the unit cannot be written
    answers = {"no": [(OFFER, "n")], "fails": [(OFFER, "y")]}.get(why, [])
    said = await added(world, *answers)
    assert (LATER in said) is (why in {"no", "impossible", "second"})
    assert ("cannot be written" in said) is (why == "fails")
    assert (WELCOME[0] in said) is (why != "second")
    assert "enable" not in systemctl.read_text()
    assert world.drive.is_mount()


async def test_a_systemd_that_does_not_answer_leaves_nothing(world: World, systemctl: Path):
    (world.base / "refuse").touch()
    sentence = await world.refused("up", "--at-login", status=1)
    assert sentence.startswith(
        "systemd does not do it (Failed to connect to bus); without it, put 'syncin-mount up' "
    )
    assert not (world.base / "xdg" / "systemd" / "user" / UNIT).exists()


async def test_without_systemd(world: World, monkeypatch):
    monkeypatch.setenv("PATH", str(world.base))
    sentence = await world.refused("up", "--at-login", status=1)
    assert sentence.startswith(
        "there is no systemd here that could start it; put 'syncin-mount up' into"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="it is refused to anybody but root")
async def test_for_a_user_who_is_not_there(world: World, systemctl: Path):
    sentence = await world.refused("up", "--at-login", "--for-user", "nobody-of-that-name")
    assert sentence == "there is no user 'nobody-of-that-name' on this computer"
    assert not systemctl.exists()


async def test_for_user_alone_is_no_sense(world: World):
    assert "goes with --at-login" in (await world.run("up", "--for-user", "user1")).error


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        there.settimeout(LIMIT)
        yield there


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_and_the_drives_do_not_inherit_it(
    tmp_path: Path, monkeypatch, abstract: bool
):
    address = f"@syncin-mount-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with listening(address) as there:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        told = NotifySocket()
        assert "NOTIFY_SOCKET" not in os.environ
        told.ready()
        assert there.recv(100) == b"READY=1"
    told.stopping()  # nobody listens any more
    NotifySocket().ready()


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("mounts")
async def test_the_supervisor_is_ready_when_the_drives_are(ours: World):
    address = str(ours.base / "notify")
    with listening(address) as there:
        words = [sys.executable, "-m", "syncin_mount", "up", "--foreground"]
        environment = {**os.environ, "SYNCIN_MOUNT_HOME": str(ours.home), "NOTIFY_SOCKET": address}
        process = await trio.to_thread.run_sync(
            lambda: subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
        )
        with process:
            try:
                assert await trio.to_thread.run_sync(there.recv, 100) == b"READY=1"
                assert ours.drive.is_mount()
                await ours.must("sync", "docs", "--wait")
                (ours.drive / "last words").write_text("said")
                process.send_signal(signal.SIGTERM)
                assert await trio.to_thread.run_sync(there.recv, 100) == b"STOPPING=1"
                assert await trio.to_thread.run_sync(process.wait, LIMIT) == 0
            finally:
                process.kill()
        assert not ours.drive.is_mount()
        assert (ours.disk / "last words").read_text() == "said", "the log-out waited for it"
