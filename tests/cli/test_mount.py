"""The drive's life through the commands: real mounts, real daemons, a real server that comes and
goes.

This file is long because each step of a drive's life needs the same mounted world.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import trio

from syncin_mount.mount_table import mounted_at
from syncin_mount.system.processes import alive
from tests.cli.conftest import World, seconds, until
from tests.mounts.inotify import Watcher

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


async def settled(world: World) -> None:
    """Everything in the drive is on the server."""

    async def nothing_waits() -> bool:
        return bool(await world.json("journal", "docs") == [])

    await until(nothing_waits, "an empty journal")


async def daemon_pid(world: World) -> int:
    return int((await world.json("status", "docs"))[0]["pid"])


async def gone(pid: int) -> None:
    async def is_gone() -> bool:
        try:  # a thread may end after the first one, and keeps sockets open until then
            threads = len(os.listdir(f"/proc/{pid}/task"))
        except FileNotFoundError:
            threads = 0
        return not alive(pid) and threads <= 1

    await until(is_gone, "the end of the daemon")


async def mounted(world: World) -> None:
    await world.log_in()
    await world.add()
    assert await world.must("mount", "docs") == f"docs is mounted at {world.drive}\n"
    assert mounted_at(world.drive) is not None


async def test_who_watches_the_drive_hears_of_what_others_did_on_the_server(world: World):
    for name in ("edited.txt", "gone.txt"):
        (world.disk / name).write_text("as it was")
    await mounted(world)
    await world.must("sync", "docs")
    assert (world.drive / "edited.txt").read_text() == "as it was"
    watcher = Watcher(world.drive, world.drive / "edited.txt")
    try:
        (world.disk / "edited.txt").write_text("edited by another")
        (world.disk / "gone.txt").unlink()
        (world.disk / "new.txt").write_text("made by another")
        await world.must("sync", "docs")
        wanted = [
            (world.drive, "edited.txt", "moved_to"),
            (world.drive / "edited.txt", "", "delete_self"),
            (world.drive, "gone.txt", "delete"),
            (world.drive, "new.txt", "create"),
        ]
        await trio.to_thread.run_sync(lambda: watcher.until(*wanted))
    finally:
        watcher.close()
    assert (world.drive / "edited.txt").read_text() == "edited by another"
    assert await world.json("journal", "docs") == []
    await world.must("umount", "docs")


async def test_a_drive_that_mirrors_the_server_is_read_only(world: World):
    (world.disk / "there.txt").write_text("from the server")
    await world.log_in()
    await world.add("--direction", "download", "--conflict", "remote")
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    assert (world.drive / "there.txt").read_text() == "from the server"
    for change in (
        lambda: (world.drive / "new").write_text("x"),
        lambda: (world.drive / "there.txt").write_text("x"),
        (world.drive / "there.txt").unlink,
        (world.drive / "new").mkdir,
    ):
        with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
            change()
    (world.disk / "there.txt").write_text("changed there")
    await world.must("sync", "docs")
    assert (world.drive / "there.txt").read_text() == "changed there"
    registered = world.dev.store.state.paths[0].settings
    assert (registered["mode"], registered["conflictMode"]) == ("download", "remote")


async def test_a_drive_that_compares_by_checksum(world: World):
    (world.disk / "there.txt").write_text("from the server")
    await world.log_in()
    await world.add("--mode", "secure")
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    (world.drive / "copy.txt").write_bytes((world.drive / "there.txt").read_bytes())
    await settled(world)
    os.utime(world.drive / "there.txt", (1_600_000_000, 1_600_000_000))
    await settled(world)
    assert (world.disk / "copy.txt").read_text() == "from the server"
    assert (world.disk / "there.txt").stat().st_mtime == 1_600_000_000
    methods = [
        each.method for each in world.dev.requests if "/sync/operation/personal" in each.path
    ]
    assert methods.count("COPY") == 1
    assert "PUT" not in methods
    assert "POST" not in methods


async def test_a_file_goes_to_the_server_and_comes_from_it(world: World):
    (world.disk / "there.txt").write_text("from the server")
    await mounted(world)
    await world.must("sync", "docs")
    assert (world.drive / "there.txt").read_text() == "from the server"
    (world.drive / "here.txt").write_text("from the drive")
    await settled(world)
    assert (world.disk / "here.txt").read_text() == "from the drive"
    rows = await world.json("transfers", "docs", "--action", "send")
    assert [(row["side"], row["path"], row["result"]) for row in rows] == [
        ("remote", "here.txt", "done")
    ]
    status = (await world.json("status"))[0]
    assert (status["mounted"], status["online"], status["waiting"], status["known"]) == (
        True,
        True,
        0,
        2,
    )
    assert (await world.json("list"))[0]["mounted"] is True
    await world.must("umount", "docs")
    assert list(world.drive.iterdir()) == []
    assert mounted_at(world.drive) is None


async def test_a_second_mount_is_refused(world: World):
    await mounted(world)
    pid = await daemon_pid(world)
    said = await world.refused("mount", "docs", status=1)
    assert said == f"'docs' is mounted already at {world.drive}"
    assert await daemon_pid(world) == pid
    assert "is mounted; unmount it first" in await world.refused("remove", "docs", status=1)


async def test_a_drive_in_use_is_not_unmounted(world: World):
    await mounted(world)
    (world.drive / "open.txt").write_text("x")
    with (world.drive / "open.txt").open():
        # which names others alone
        said = await world.refused("umount", "docs", status=1, process=True)
        assert said.startswith("'docs' cannot be unmounted: files of it are open by ")
        assert f"({os.getpid()})" in said
        assert (world.drive / "open.txt").read_text() == "x"
    await settled(world)
    assert await world.must("umount", "docs") == "docs is unmounted\n"


async def test_umount_returns_when_the_daemon_is_gone_and_mount_works_at_once(world: World):
    await mounted(world)
    for _ in range(3):
        pid = await daemon_pid(world)
        await world.must("umount", "docs")
        assert not alive(pid)
        await world.must("mount", "docs")


def what_is_journalled(entry: dict[str, object]) -> dict[str, object]:
    """A change as it stands in the journal, without why it waits: that is another thing once the
    drive is mounted."""
    return {name: value for name, value in entry.items() if name not in {"why", "state", "until"}}


async def test_work_goes_on_without_the_server_through_a_cold_start(world: World):
    await mounted(world)
    (world.drive / "before.txt").write_text("before")
    await settled(world)
    await world.stop()
    (world.drive / "before.txt").write_text("changed")
    (world.drive / "new").mkdir()
    (world.drive / "new/file").write_text("new")
    await world.must("umount", "docs")
    resting = await world.json("journal", "docs")
    assert {entry["path"] for entry in resting} >= {"before.txt", "new", "new/file"}
    await world.must("mount", "docs")
    assert (world.drive / "before.txt").read_text() == "changed"
    assert (world.drive / "new/file").read_text() == "new"
    kept = await world.json("journal", "docs")
    assert [what_is_journalled(entry) for entry in kept] == [
        what_is_journalled(entry) for entry in resting
    ]
    assert (world.disk / "before.txt").read_text() == "before"
    said = await world.refused("sync", "docs", status=3)
    assert said.startswith("docs: offline: ")
    await world.start()
    await world.must("sync", "docs")
    assert await world.json("journal", "docs") == []
    assert (world.disk / "before.txt").read_text() == "changed"
    assert (world.disk / "new/file").read_text() == "new"


async def test_a_drive_that_was_never_synchronized_mounts_without_the_server_and_says_so(
    world: World,
):
    await world.log_in()
    await world.add()
    await world.stop()
    done = await world.run("mount", "docs")
    assert done.status == 0
    assert done.out == f"docs is mounted at {world.drive}\n"
    assert re.search(
        "the drive is empty: it was never synchronized, and the server is away", done.error
    )
    (world.drive / "written").write_text("kept")
    await world.start()
    await world.must("sync", "docs")
    assert (world.disk / "written").read_text() == "kept"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_unmount_and_lose_nothing(world: World, number: signal.Signals):
    await mounted(world)
    pid = await daemon_pid(world)
    (world.drive / "late.txt").write_text("written just before")
    os.kill(pid, number)
    await gone(pid)
    assert mounted_at(world.drive) is None
    await world.must("sync", "docs")
    assert (world.disk / "late.txt").read_text() == "written just before"


async def test_a_killed_daemon_is_taken_up_by_the_next_mount(world: World):
    await mounted(world)
    pid = await daemon_pid(world)
    (world.drive / "late.txt").write_text("acknowledged")
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    assert mounted_at(world.drive) is not None, "the kernel keeps the dead mount"
    assert (await world.json("list"))[0]["mounted"] is False
    assert "a crashed drive is left over" in (await world.run("doctor")).out
    await world.must("mount", "docs")
    assert (world.drive / "late.txt").read_text() == "acknowledged"
    await settled(world)
    assert (world.disk / "late.txt").read_text() == "acknowledged"


async def test_only_a_dead_drive_of_nobody_is_to_be_taken_away(world: World):
    """`fusermount3 -u` on a drive that works would end somebody's work."""

    async def stray() -> list[dict[str, Any]]:
        done = await world.run("doctor", "--json", home=world.base / "other profile")
        found = [each for each in json.loads(done.out) if each["check"].startswith("stray")]
        return [each for each in found if str(world.drive) in each["what"]]

    await mounted(world)
    pid = await daemon_pid(world)
    [alive] = await stray()
    assert (alive["check"], alive["verdict"], alive["remedy"]) == ("stray_alive", "note", None)
    assert "fusermount3" not in alive["what"]
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    [dead] = await stray()
    assert (dead["check"], dead["verdict"], dead["remedy"]) == ("stray_dead", "note", "take_away")
    advised = dead["what"].partition("unmount it: ")[2]
    assert advised == shlex.join(["fusermount3", "-u", str(world.drive)])
    await trio.run_process(shlex.split(advised))
    assert mounted_at(world.drive) is None
    assert await stray() == []


async def test_a_killed_daemon_s_mount_can_be_taken_away(world: World):
    await mounted(world)
    pid = await daemon_pid(world)
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    assert await world.must("umount", "docs") == "docs is unmounted\n"
    assert mounted_at(world.drive) is None


async def test_in_the_foreground_until_interrupted(world: World):
    await world.log_in()
    await world.add()
    process = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
        [sys.executable, "-m", "syncin_mount", "mount", "docs", "--foreground"],
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(world.home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = await trio.to_thread.run_sync(process.stdout.readline)
        assert line.decode() == f"docs is mounted at {world.drive}\n"
        (world.drive / "x").write_text("x")
        process.send_signal(signal.SIGINT)
        assert await trio.to_thread.run_sync(process.wait) == 0
        assert process.stderr.read() == b""
    assert mounted_at(world.drive) is None


async def test_manual_leaves_everything_to_sync(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs", "--manual")
    (world.drive / "x").write_text("x")
    status = (await world.json("status", "docs"))[0]
    assert (status["manual"], status["online"], status["waiting"]) == (True, None, 1)
    requests = len(world.dev.requests)
    changed = (await world.json("journal", "docs"))[-1]["time"]

    async def long_settled() -> bool:
        return time.time() > seconds(changed) + 3

    await until(long_settled, "a change that an engine of its own would have sent")
    assert len(world.dev.requests) == requests
    await world.must("sync", "docs")
    assert (world.disk / "x").read_text() == "x"


async def test_a_dry_run_says_what_a_run_does_and_does_nothing(world: World):
    (world.disk / "there").write_text("there")
    await world.log_in()
    await world.add()
    report = (await world.json("sync", "docs", "--dry-run"))[0]
    assert [(a["op"], a["side"], a["path"]) for a in report["actions"]] == [
        ("fetch", "local", "there")
    ]
    assert (await world.json("status", "docs"))[0]["known"] == 0
    said = await world.must("sync", "docs", "--dry-run")
    assert said.startswith("Files to download: 1\n  there (5 B): ")
    assert "never agreed on; here: nothing; on the server: there, 5 B of " in said
    assert said.endswith(
        "docs: 1 action to do, 5 B to transfer; exactly this: syncin-mount sync docs --yes"
        f" {report['plan']}\n"
    )
    await world.must("sync", "docs")
    assert (await world.json("status", "docs"))[0]["known"] == 1


async def test_a_guard_halts_until_yes(world: World):
    for number in range(40):
        (world.disk / f"{number}").write_text("x")
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    for path in world.disk.iterdir():
        path.unlink()
    said = await world.refused("sync", "docs", status=4)
    assert said.startswith("docs: halted: ")
    assert "sync --yes" in said
    assert (await world.json("status", "docs"))[0]["known"] == 40
    await world.must("sync", "docs", "--yes")
    assert (await world.json("status", "docs"))[0]["known"] == 0


async def test_a_confirmed_plan_is_carried_out_only_while_it_holds(world: World):
    (world.disk / "there").write_text("there")
    await world.log_in()
    await world.add()
    plan = (await world.json("sync", "docs", "--dry-run"))[0]["plan"]
    (world.disk / "other").write_text("other")
    assert f"the plan {plan} is not what would be done now" in await world.refused(
        "sync", "docs", "--yes", plan, status=4
    )
    assert (await world.json("status", "docs"))[0]["known"] == 0
    assert "a plan is confirmed alone" in await world.refused(
        "sync", "docs", "--dry-run", "--yes", plan
    )
    plan = (await world.json("sync", "docs", "--dry-run"))[0]["plan"]
    await world.must("sync", "--yes", plan, "docs")
    assert (await world.json("status", "docs"))[0]["known"] == 2
    assert "nothing to do" in await world.must("sync", "--yes", "docs")


async def test_the_control_socket_is_the_owner_s_alone(world: World):
    await mounted(world)
    socket = world.home / "state/run/docs.sock"
    assert socket.stat().st_mode & 0o777 == 0o600
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    await world.must("umount", "docs")
    assert not socket.exists()


async def test_names_that_could_steer_a_terminal_are_shown_as_escapes(world: World):
    await mounted(world)
    await world.stop()
    (world.drive / "a\x1b[2Jb\nc").write_text("x")
    await world.must("umount", "docs")
    shown = await world.must("journal", "docs")
    assert "\x1b" not in shown
    assert r"a\x1b[2Jb\nc" in shown


async def test_what_is_left_out_on_purpose_waits_for_nothing(world: World):
    await mounted(world)
    (world.drive / "__pycache__").mkdir()
    (world.drive / "__pycache__/x.pyc").write_text("x")
    (world.drive / "sent").write_text("x")
    await world.must("sync", "docs")
    assert await world.json("journal", "docs") == []
    assert (await world.json("status", "docs"))[0]["waiting"] == 0
    assert {path.name for path in world.disk.iterdir()} == {"sent"}


async def test_a_mount_point_that_is_taken_is_refused_at_mount_too(world: World):
    await world.log_in()
    await world.add()
    (world.drive / "stray").touch()
    said = await world.refused("mount", "docs", status=1)
    assert "empty" in said
    assert not Path(world.home / "state/run/docs.sock").exists()


async def test_a_system_without_fuse_is_named(world: World):
    await world.log_in()
    await world.add()
    hidden = world.base / "no device"
    hidden.touch()
    call = [sys.executable, "-m", "syncin_mount", "mount", "docs"]
    done = await trio.run_process(
        [
            "unshare",
            "-m",
            "sh",
            "-c",
            'mount --bind "$1" /dev/fuse && shift && exec "$@"',
            "sh",
            str(hidden),
            *call,
        ],
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)},
        check=False,
        capture_stdout=True,
        capture_stderr=True,
    )
    said = done.stderr.decode()
    if (
        "must be superuser" in said
        or "Operation not permitted" in said
        or said.startswith("unshare:")
    ):
        pytest.skip(f"/dev/fuse cannot be hidden from a process here: {said}")
    assert done.returncode == 1
    assert re.fullmatch(
        r"syncin-mount: This system has no /dev/fuse, without which nothing can be mounted; .*\n",
        said,
    )


async def test_a_full_disk_under_the_replica_is_named_and_loses_nothing(world: World):
    await world.log_in()
    state = world.home / "state"
    made = await trio.run_process(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "none", str(state)],
        check=False,
        capture_stderr=True,
    )
    if made.returncode != 0:
        pytest.skip("only root may mount a small file system to fill")
    try:
        await world.log_in_again()
        await world.add()
        await world.must("mount", "docs")
        filler = world.drive / "filler"
        with pytest.raises(OSError, match="No space left on device"):
            filler.write_bytes(b"y" * 24_000_000)
        filler.unlink(missing_ok=True)

        async def room() -> bool:
            # Contents leave the disk with the next commit of the index, about a second later.
            try:
                (world.drive / "after").write_text("there is room again")
            except OSError:
                return False
            return True

        await until(room, "room for a file")
        await settled(world)
        assert (world.disk / "after").read_text() == "there is room again"
        await world.must("umount", "docs")
        (world.disk / "large").write_bytes(b"x" * 24_000_000)
        done = await world.run("sync", "docs")
        assert done.status == 1
        why = "the local disk is full: make room there, then its content is fetched"
        assert done.error == f"syncin-mount: docs: large: {why}\n"
        assert "1 failed or pending" in done.out
        assert await world.json("journal", "docs") == []
        assert (world.disk / "large").stat().st_size == 24_000_000
    finally:
        with trio.CancelScope(shield=True):
            await world.run("umount", "--force", "docs")
            await trio.run_process(["umount", "-l", str(state)], check=False, capture_stderr=True)


async def test_a_halt_names_the_folder_that_it_is_about(world: World):
    """Seen on the real server: after a rename there it named the former folder."""
    await world.log_in()
    await world.add()
    (world.disk / "a").write_bytes(b"a")
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    world.disk.rename(world.disk.with_name("papers"))
    world.dev.store.moved(("users/user1", "docs", False), ("users/user1", "papers", False))
    await world.must("sync", "docs")
    world.disk.with_name("papers").rename(world.home.with_name("taken away"))
    assert "“personal/papers” is not on the server any more" in await world.refused(
        "sync", "docs", status=4
    )
    await world.must("umount", "docs")
