"""Who watches folders or files (inotify) hears of what comes from the server as of what programs
here do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mounts.inotify import Watcher

WHEN = 1_700_000_000


@pytest.fixture
def watch() -> Iterator[Callable[..., Watcher]]:
    watchers: list[Watcher] = []

    def make(*places: Path) -> Watcher:
        watchers.append(Watcher(*places))
        return watchers[-1]

    yield make
    for each in watchers:
        each.close()


def _herald(drive) -> int:
    """The pid of the process that makes the calls; 0 without one."""
    # each thread's children are its own
    tasks = Path(f"/proc/{drive.process.pid}/task").glob("*/children")
    children = [each for task in tasks for each in task.read_text().split()]
    return next(
        (int(each) for each in children if b"herald" in Path(f"/proc/{each}/cmdline").read_bytes()),
        0,
    )


def _signal_herald(drive, number: int) -> None:
    pid = _herald(drive)
    assert pid > 0, "there is no herald"
    os.kill(pid, number)


def _arrives(drive, eventually, path: str) -> None:
    """The server's version takes the place of what was written here, once the kernel has closed
    that."""
    eventually(
        lambda: not any(drive.call("state", path=path)[each] for each in ("busy", "held_open"))
    )
    drive.call("install_content", path=path, text="theirs", mtime=WHEN)


def _hidden(events) -> list[str]:
    return [name for _, name, _ in events if name.startswith(".syncin")]


def test_each_kind_of_change(drive, watch):
    here = drive.path
    for name in ("edited", "moved", "gone", "touched", "over"):
        (here / name).write_text(name)
    for name in ("folder", "gone folder", "moved folder"):
        (here / name).mkdir()
    seen = watch(here, here / "folder")
    changes = drive.call("changes")
    drive.call("place_file", path="new", size=0, mtime=WHEN)
    drive.call("place_file", path="absent", size=100, mtime=WHEN)
    drive.call("place_folder", path="new folder")
    drive.call("install_content", path="edited", text="theirs", mtime=WHEN)
    drive.call("touch_local", path="touched", mtime_ns=WHEN * 10**9)
    drive.call("move_local", path="moved", target="folder/moved")
    drive.call("move_local", path="moved folder", target="renamed folder")
    drive.call("delete_local", path="gone")
    drive.call("delete_local", path="gone folder")
    made = drive.call("changes") - changes
    events = seen.until(
        (here, "new", "create"),
        (here, "absent", "create"),
        (here, "new folder", "create"),
        (here, "edited", "moved_to"),
        (here, "touched", "moved_to"),
        (here, "moved", "moved_from"),
        (here / "folder", "moved", "moved_to"),
        (here, "moved folder", "moved_from"),
        (here, "renamed folder", "moved_to"),
        (here, "gone", "delete"),
        (here, "gone folder", "delete"),
    )
    assert _hidden(events) == []
    assert len(set(seen.cookies["moved_from"])) == 2
    assert set(seen.cookies["moved_from"]) <= set(seen.cookies["moved_to"])
    # It is as it was before anybody was told, and nothing of it was recorded as done here.
    assert sorted(os.listdir(here)) == sorted(
        ["absent", "edited", "folder", "new", "new folder", "over", "renamed folder", "touched"]
    )
    assert os.listdir(here / "folder") == ["moved"]
    assert (here / "edited").read_text() == "theirs"
    assert (here / "touched").stat().st_mtime == WHEN
    assert (here / "absent").stat().st_size == 100
    assert (here / "folder" / "moved").read_text() == "moved"
    assert drive.call("changes") - changes == made
    assert drive.call("problems") == []


def test_who_watches_a_file_hears_that_it_is_replaced_or_gone(drive, watch):
    """And watches the new one then: nothing goes silent."""
    path = drive.path / "file"
    path.write_text("old")
    for number in range(3):
        seen = watch(path)
        drive.call("install_content", path="file", text=f"content {number}", mtime=WHEN + number)
        seen.until((path, "", "delete_self"))
        assert path.read_text() == f"content {number}"
    seen = watch(path)
    drive.call("delete_local", path="file")
    seen.until((path, "", "delete_self"))
    assert not path.exists()


def test_a_folder_that_is_renamed_stays_watched(drive, watch):
    folder, renamed = drive.path / "folder", drive.path / "renamed"
    folder.mkdir()
    seen = watch(folder)
    drive.call("move_local", path="folder", target="renamed")
    seen.until((folder, "", "move_self"))
    (renamed / "file").write_text("x")
    seen.until((folder, "file", "create"))


def test_what_was_looked_up_before_it_is_told(drive, watch):
    """The call does nothing then: it is made again."""
    seen = watch(drive.path)
    for number in range(4):
        name = f"file{number}"
        drive.call("place_file", path=name, size=0, mtime=WHEN)
        while not (drive.path / name).exists():
            pass
        seen.until((drive.path, name, "create"))
        drive.call("install_content", path=name, text="x", mtime=WHEN + 1)
        while (drive.path / name).stat().st_size != 1:
            pass
        seen.until((drive.path, name, "moved_to"))


def test_what_somebody_here_did_meanwhile_is_not_undone(drive, watch, eventually):
    """The herald tells of what was; by then the name is another's."""
    seen = watch(drive.path)
    drive.call("place_file", path="begin", size=0, mtime=WHEN)
    seen.until((drive.path, "begin", "create"))
    for number in range(5):
        name = f"file{number}"
        drive.call("place_file", path=name, size=0, mtime=WHEN)
        seen.until((drive.path, name, "create"))
        _signal_herald(drive, signal.SIGSTOP)
        drive.call("delete_local", path=name)
        eventually(lambda name=name: not (drive.path / name).exists())
        (drive.path / name).write_text("ours")
        _signal_herald(drive, signal.SIGCONT)
        for _ in range(50):
            assert (drive.path / name).read_text() == "ours"
    drive.call("place_file", path="end", size=0, mtime=WHEN)
    seen.until((drive.path, "end", "create"))
    assert {(drive.path / f"file{number}").read_text() for number in range(5)} == {"ours"}
    assert drive.call("problems") == []


def test_while_nobody_watches_no_call_is_made(drive, watch, eventually):
    (drive.path / "folder").mkdir()
    drive.call("place_many", path="folder", count=50)
    eventually(lambda: drive.call("heralded")[0])
    assert drive.call("heralded")[1] == 0
    seen = watch(drive.path / "folder")
    drive.call("place_file", path="folder/new", size=0, mtime=WHEN)
    seen.until((drive.path / "folder", "new", "create"))
    assert drive.call("heralded")[1] == 1


def test_a_lost_herald_costs_events_and_nothing_else(drive, watch, eventually):
    seen = watch(drive.path)
    drive.call("place_file", path="one", size=0, mtime=WHEN)
    seen.until((drive.path, "one", "create"))
    _signal_herald(drive, signal.SIGKILL)
    drive.call("place_file", path="two", size=0, mtime=WHEN)
    eventually((drive.path / "two").exists)
    (drive.path / "three").write_text("x")
    _arrives(drive, eventually, "three")
    eventually(lambda: (drive.path / "three").read_text() == "theirs")
    drive.unmount()


def test_a_herald_that_hangs_does_not_keep_the_drive(drive, watch, eventually):
    seen = watch(drive.path)
    drive.call("place_file", path="one", size=0, mtime=WHEN)
    seen.until((drive.path, "one", "create"))
    _signal_herald(drive, signal.SIGSTOP)
    drive.call("place_file", path="two", size=0, mtime=WHEN)
    eventually((drive.path / "two").exists)
    (drive.path / "three").write_text("x")
    started = time.monotonic()
    drive.terminate()
    assert time.monotonic() - started < 30


def test_nothing_of_the_herald_stays_after_the_drive(drive, watch):
    seen = watch(drive.path)
    drive.call("place_file", path="one", size=0, mtime=WHEN)
    seen.until((drive.path, "one", "create"))
    pid = _herald(drive)
    assert pid
    drive.kill()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
    subprocess.run(
        ["fusermount3", "-u", "-z", drive.path], check=False, timeout=30, capture_output=True
    )
    drive.start()


def test_a_burst_is_bounded_and_told_of_by_folder(drive, watch):
    drive.call("place_folder", path="many")
    seen = watch(drive.path / "many")
    drive.call("place_many", path="many", count=3000)
    events = seen.until((drive.path / "many", "", "attrib"), seconds=60)
    told = [name for _, name, what in events if what == "create"]
    assert 0 < len(told) < 3000
    assert len(os.listdir(drive.path / "many")) == 3000
    drive.call("place_file", path="many/after", size=0, mtime=WHEN)
    seen.until((drive.path / "many", "after", "create"))


def test_folders_that_are_used_hard_meanwhile(drive, watch, eventually):
    """Calls of the herald, invalidations and the programs' own calls must not wait for each
    other."""
    seen = watch(drive.path)
    for number in range(100):
        drive.call("place_file", path=f"r{number}", size=0, mtime=WHEN)
        (drive.path / f"l{number}").write_bytes(b"x" * 5000)
        _arrives(drive, eventually, f"l{number}")
        (drive.path / f"l{number}").rename(drive.path / f"m{number}")
        if number % 3 == 0:
            drive.call("delete_local", path=f"r{number}")
        os.listdir(drive.path)
    drive.call("place_file", path="end", size=0, mtime=WHEN)
    seen.until((drive.path, "end", "create"), seconds=60)
    expected = (
        {f"m{number}" for number in range(100)}
        | {f"r{number}" for number in range(100) if number % 3}
        | {"end"}
    )
    eventually(lambda: set(os.listdir(drive.path)) == expected)
    assert {(drive.path / f"m{number}").read_text() for number in range(100)} == {"theirs"}
    assert drive.call("problems") == []


def test_a_drive_that_is_read_only(mount, watch):
    """Such a drive once was so for the kernel, too, where no call could be made: nearly nothing was
    heard."""
    drive = mount("--read-only")
    for name in ("edited", "gone"):
        drive.call("place_file", path=name, size=0, mtime=WHEN)
    edited, gone = drive.path / "edited", drive.path / "gone"
    seen = watch(drive.path, edited, gone)
    drive.call("place_file", path="new", size=0, mtime=WHEN)
    drive.call("install_content", path="edited", text="theirs", mtime=WHEN + 1)
    drive.call("delete_local", path="gone")
    seen.until(
        (drive.path, "new", "create"), (drive.path, "gone", "delete"), (edited, "", "delete_self")
    )
    assert edited.read_text() == "theirs"
    assert not gone.exists()
