"""`remove`: nothing that is only here is lost without being told so, and a copy that is kept is
whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from syncin_mount.cli.exit_status import Exit, exit_for
from syncin_mount.config import ConfigurationFile, Folders
from syncin_mount.daemon.process import run_mounted
from syncin_mount.devserver import Reply, Rule
from tests.cli.conftest import World, until
from tests.cli.terminals import terminal

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


async def unsent(world: World) -> None:
    """A drive with something on the server, and something that is only here; unmounted, the server
    away."""
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    (world.drive / "sent").write_text("on the server")
    await world.must("sync", "docs")
    await world.stop()
    (world.drive / "only here").write_text("months of work")
    await world.must("umount", "docs")


@pytest.mark.parametrize("answer", ["stop", "\x03", "discard", "keep"])
async def test_somebody_at_a_terminal_is_asked(world: World, answer: str):
    await unsent(world)
    kept = world.base / "kept"
    with terminal(world, "remove", "docs") as seen:
        await seen.expect("not uploaded: only here")
        await seen.expect(
            r"The local copy of 'docs' holds 1 change that the server does not have\."
        )
        if answer == "\x03":
            await seen.expect("Keep a copy, discard it, or stop here")
            status = await seen.interrupt()
        else:
            await seen.answer("Keep a copy, discard it, or stop here", answer)
            if answer == "keep":
                await seen.answer("(?i)(where|folder|copy).*: ", str(kept))
            status = await seen.end()
    assert "Traceback" not in seen.seen
    if answer in {"stop", "\x03"}:
        assert status == 130
        assert replica(world).is_dir()
        assert [each["name"] for each in await world.json("list")] == ["docs"]
        return
    assert status == 0, seen.seen
    assert not replica(world).exists()
    assert (
        ((kept / "only here").read_text() == "months of work")
        if answer == "keep"
        else not kept.exists()
    )


def replica(world: World) -> Path:
    return world.home / "state/replicas/docs"


async def test_what_is_only_here_is_listed_and_kept_until_somebody_says_so(world: World):
    await unsent(world)
    for words in ((), ("--yes",)):
        done = await world.run("remove", "docs", *words)
        assert done.status == 1
        assert (
            done.error
            == "syncin-mount: not uploaded: only here\nsyncin-mount: the local copy of 'docs' holds"
            " 1 change that the server does not have; sync it first, keep what is in the drive"
            " with --keep-copy DIR, or lose it with --discard-unsent\n"
        )
    assert replica(world).is_dir()
    done = await world.run("remove", "docs", "--discard-unsent")
    assert done.status == 0, done
    assert "the server could not be told" in done.error
    assert await world.json("list") == []
    assert list((world.home / "state/replicas").iterdir()) == []


async def test_a_copy_is_kept_with_all_that_a_drive_holds(world: World):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    folder = world.drive / "deep" / "folder"
    folder.mkdir(parents=True)
    (folder / "big").write_bytes(os.urandom(3_000_001))
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o750)
    os.setxattr(folder / "tool", "user.note", b"mine")
    (world.drive / "link").symlink_to("deep/folder/big")
    os.mkfifo(world.drive / "pipe")
    await world.must("sync", "docs")
    (world.drive / os.fsdecode(b"not \xff text")).write_text("local only")
    (world.drive / "unsent").write_text("unsent")
    os.utime(folder, ns=(1_500_000_000_123_456_789, 1_500_000_000_123_456_789))
    os.utime(folder / "big", ns=(1_400_000_000_123_456_789, 1_400_000_000_123_456_789))
    before = fingerprint(world.drive)
    assert len(before) == 8
    await world.must("umount", "docs")
    kept = world.base / "kept"
    said = await world.must("remove", "docs", "--keep-copy", str(kept))
    assert f"copied to {kept}" in said
    assert fingerprint(kept) == before
    assert await world.json("list") == []
    assert not replica(world).exists()


def fingerprint(top: Path) -> dict[bytes, object]:
    found: dict[bytes, object] = {}
    for path in sorted(top.rglob("*")):
        state = path.lstat()
        content = (
            os.readlink(path)
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else None
        )
        xattrs = {
            name: os.getxattr(path, name)
            for name in ([] if path.is_symlink() else os.listxattr(path))
        }
        xattrs.pop("user.syncin.status", None)
        name = os.fsencode(path.relative_to(top))
        found[name] = (state.st_mode, state.st_mtime_ns, state.st_uid, content, xattrs)
    return found


async def test_what_no_server_holds_is_not_lost_in_silence(world: World):
    await world.log_in()
    await world.add("--filter", "ends-with:.tmp")
    await world.must("mount", "docs")
    (world.drive / "folder").mkdir()
    (world.drive / "folder/link").symlink_to("x")
    (world.drive / "left out.tmp").write_text("left out")
    (world.drive / ".DS_Store").write_text("junk")
    await world.must("sync", "docs")
    await world.must("umount", "docs")
    done = await world.run("remove", "docs", "--yes")
    assert done.status == 1
    assert "only here: left out.tmp\n" in done.error
    assert "only here: folder/link\n" in done.error
    assert "holds 2 files and links that only this computer has; sync it first" in done.error


async def losers(world: World) -> None:
    """A drive with a version of a file and a folder in its bin; unmounted, and all else is on the
    server."""
    await world.log_in()
    await world.add("--trash", "own")
    await world.must("mount", "docs", "--manual")
    (world.drive / "bin").mkdir()
    (world.drive / "letter").write_text("first")
    await world.must("sync", "docs")
    (world.drive / "letter").write_text("the second")
    (world.drive / "folder/deeper").mkdir(parents=True)
    (world.drive / "folder/deeper/only here").write_text("months of work")
    numbers = {each["path"]: str(each["number"]) for each in await world.json("journal", "docs")}
    await world.must("journal", "discard", "docs", numbers["letter"], numbers["folder"])
    await world.must("sync", "docs")
    await world.must("umount", "docs")
    assert len(await world.json("bin", "list", "docs", "--local")) == 2


@pytest.mark.parametrize("flags", [("--yes",), (), ("--discard-unsent",)], ids=str)
async def test_a_copy_that_is_kept_has_the_bin_as_well(world: World, flags: tuple[str, ...]):
    await losers(world)
    kept = world.base / "kept"
    said = await world.must("remove", "docs", "--keep-copy", str(kept), *flags)
    assert f"the bin is in {kept}/bin (2)\n" in said
    found = {path.name: path for path in (kept / "bin (2)").rglob("*")}
    assert found["letter"].read_text() == "the second"
    assert found["only here"].read_text() == "months of work"
    assert found["only here"].parent.name == "deeper"
    told = [json.loads(path.read_text())["path"] for path in (kept / "bin (2)").glob("*.json")]
    assert sorted(told) == ["folder", "letter"]
    assert list((kept / "bin").iterdir()) == []
    assert not replica(world).exists()


async def test_the_bin_alone_keeps_a_copy_from_being_removed_unasked(world: World):
    await losers(world)
    done = await world.run("remove", "docs", "--yes")
    assert done.status == 1
    assert "in the bin: letter\n" in done.error
    assert "holds 2 entries in the bin; sync it first" in done.error
    assert replica(world).is_dir()


@pytest.mark.parametrize("words", [(), ("--discard-unsent",), ("--keep-copy", "kept")], ids=str)
@pytest.mark.parametrize("answer", ["y", "n"])
async def test_in_a_terminal_nothing_is_taken_away_unasked(
    world: World, words: tuple[str, ...], answer: str
):
    if words:
        await losers(world)
    else:
        await world.log_in()
        await world.add()
        await world.must("sync", "docs")
    with terminal(world, "remove", "docs", *words) as seen:
        said = await seen.answer(r"Remove it\?", answer)
        status = await seen.end()
    assert status == (0 if answer == "y" else 130), seen.seen
    assert ("in the bin: letter" in said) is (words == ("--discard-unsent",))
    assert replica(world).exists() is (answer == "n")
    assert (world.base / "kept/bin (2)").exists() is (answer == "y" and "kept" in words)
    assert bool(await world.json("list")) is (answer == "n")


async def test_a_copy_that_cannot_be_made_removes_nothing(world: World):
    await unsent(world)
    (world.base / "taken").mkdir()
    assert "is there already" in await world.refused(
        "remove", "docs", "--keep-copy", str(world.base / "taken"), status=1
    )
    inside = str(replica(world) / "copy")
    assert "the program's own folder" in await world.refused(
        "remove", "docs", "--keep-copy", inside
    )
    (world.base / "file").touch()
    said = await world.refused(
        "remove", "docs", "--keep-copy", str(world.base / "file/copy"), status=1
    )
    assert "nothing was removed" in said
    assert [each["name"] for each in await world.json("list")] == ["docs"]
    assert [each["path"] for each in await world.json("journal", "docs")][-1] == "only here"


async def test_what_is_on_the_server_only_is_not_left_out_of_a_copy_in_silence(world: World):
    (world.disk / "there").write_text("there")
    await world.log_in()
    await world.add()
    await world.must("mount", "docs", "--manual")
    world.dev.faults.add(slow_downloads())
    process = await trio.to_thread.run_sync(begin, world, "sync", "docs")

    async def known() -> bool:
        return bool((await world.json("status", "docs"))[0]["known"])

    await until(known, "the listing is over")
    process.send_signal(signal.SIGINT)
    await trio.to_thread.run_sync(process.wait)
    await world.must("umount", "docs")
    said = await world.refused("remove", "docs", "--keep-copy", str(world.base / "kept"), status=1)
    assert "would lack 1 file of 'docs' whose content is on the server only" in said
    world.dev.faults.clear()
    await world.must("sync", "docs")
    await world.must("remove", "docs", "--keep-copy", str(world.base / "kept"))
    assert (world.base / "kept/there").read_text() == "there"


def slow_downloads() -> Rule:
    return Rule(effect=Reply(503), method="GET", path="*/operation/personal/*")


def begin(world: World, *words: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)}
    return subprocess.Popen(
        [sys.executable, "-m", "syncin_mount", *words], env=env, stderr=subprocess.DEVNULL
    )


@pytest.mark.parametrize(
    "point",
    [
        "store.import_export.export.copy_out",
        "app.synchronizations.removal._unregister",
        "app.synchronizations.removal._set_aside",
        "app.synchronizations.removal._delete_set_aside",
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_half_way_nothing_is_lost_and_the_next_call_ends_it(
    world: World, point: str, when: str
):
    await unsent(world)
    await world.start()
    kept = world.base / "kept"
    module, _, name = point.rpartition(".")
    script = f"""
import inspect, os
import syncin_mount.{module} as module
real = module.{name}
def killed(*args, **more):
    if "{when}" == "after":
        real(*args, **more)
    os.kill(os.getpid(), 9)
async def killed_later(*args, **more):
    if "{when}" == "after":
        await real(*args, **more)
    os.kill(os.getpid(), 9)
module.{name} = killed_later if inspect.iscoroutinefunction(real) else killed
from syncin_mount.cli import main
main()
"""
    env = {**os.environ, "SYNCIN_MOUNT_HOME": str(world.home)}
    call = [sys.executable, "-c", script, "remove", "docs", "--keep-copy", str(kept)]
    done = await trio.run_process(
        call, env=env, check=False, capture_stdout=True, capture_stderr=True
    )
    assert done.returncode == -signal.SIGKILL, done
    if not kept.exists():
        await world.must("remove", "docs", "--keep-copy", str(kept))
    elif await world.json("list"):
        await world.must("remove", "docs", "--discard-unsent")
    assert (kept / "only here").read_text() == "months of work"
    assert (kept / "sent").read_text() == "on the server"
    assert await world.json("list") == []
    assert world.dev.store.state.paths == []
    assert not replica(world).exists()


async def test_a_daemon_that_starts_meanwhile_mounts_nothing(world: World) -> None:
    """It read of the synchronization before that was removed."""
    await world.log_in()
    await world.add()
    folders = Folders(world.home, world.home / "state", world.home / "run", portable=True)
    read = ConfigurationFile(folders).read()
    here = read.synchronizations["docs"]
    await world.must("remove", "docs", "--yes")

    def not_mounted() -> None:
        pytest.fail("a drive that no command knows")

    with pytest.raises(BaseExceptionGroup) as refused:
        await run_mounted(folders, read.servers["home"], here, manual=False, on_ready=not_mounted)
    said = "there is no synchronization 'docs' any more"
    assert exit_for(refused.value) == (Exit.UNFINISHED, said)
    assert not replica(world).exists()
    assert not os.path.ismount(world.drive)
