"""Killed, or refused by the disk, at every single step: a program, as each attempt is a process
that really dies.

``python -m tests.trash.steps HOW SOURCES TRASHES`` prints what was found as JSON. HOW is ``kill``
(SIGKILL just before the n-th call that changes files) or ``fail`` (that call raises EIO), for n =
1, 2, … until nothing is left to stop. SOURCES and TRASHES are folders for the replicas and the
trashes.

Each attempt has a replica with a losing file and a losing folder in its bin. After it, and after
the next start that is left alone, every version must be whole in the bin or in the trash, under a
place that leads back to where it was.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syncin_mount.app.drives.trash_handover import item_of
from syncin_mount.store import NodeType, check
from syncin_mount.trash.freedesktop import HomeTrash
from tests.store.support import at, kill, make, open_replica
from tests.trash.support import everything, go_on, look_into

DRIVE = Path("/mnt/drive")
CHANGING = (
    "open",
    "write",
    "pwrite",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "replace",
    "link",
    "mkdir",
    "unlink",
    "remove",
    "rmdir",
    "symlink",
    "utime",
)
FILE, DEEP = b"the user's work" * 100_000, b"deep"


def changes_nothing(name: str, args: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Whether a call only reads, or makes a folder that is there: each start tries 256 of these."""
    if name == "open":
        return not args[1] & (os.O_CREAT | os.O_TRUNC)
    return name == "mkdir" and os.access(args[0], os.F_OK, dir_fd=named.get("dir_fd"))


class Counted:
    """Lets calls that change files pass, up to the n-th; which is not made."""

    def __init__(self, how: str, number: int) -> None:
        self._how = how
        self._left = number
        for name in CHANGING:
            setattr(os, name, self._watched(getattr(os, name), name))

    def _watched(self, real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            if not changes_nothing(name, args, named):
                self._left -= 1
                if self._left == 0:
                    if self._how == "kill":
                        os.kill(os.getpid(), signal.SIGKILL)
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*args, **named)

        return watched


def fill(folder: Path) -> None:
    """A replica whose bin has a file and a folder."""
    replica = open_replica(folder)
    make(replica, "doc.txt", data=FILE)
    for name in ("papers", "papers/sub"):
        make(replica, name, NodeType.FOLDER)
    make(replica, "papers/sub/file", data=DEEP)
    for name in ("doc.txt", "papers"):
        replica.delete_local(at(replica, name), keep=True, why="test")
    replica.close()


def hand_over(folder: Path, trash: Path) -> None:
    """What the daemon does, without its pauses."""
    replica = open_replica(folder)
    user_bin = HomeTrash(trash, drive=DRIVE, staging=".staging")
    for entry in replica.bin.durable_entries():
        with replica.bin.lease(entry.sequence) as place:
            try:
                user_bin.take(place, item_of(entry, os.fsencode(DRIVE)), go_on)
            except OSError:
                continue
            replica.bin.drop([entry.sequence])
    replica.commit()
    assert check(replica) == []
    kill(replica)


def attempt(how: str, number: int, folder: Path, trash: Path) -> bool:
    """One process; whether something stopped it."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            counted = Counted(how, number)
            hand_over(folder, trash)
            status = 0 if counted._left > 0 else 2
        except OSError:
            status = 2  # the store's own commit, which the daemon tries again
        finally:
            os._exit(status)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {0, 2, -signal.SIGKILL}, ended
    return ended != 0


def versions(folder: Path, trash: Path) -> dict[str, int]:
    """How often each version is whole in the trash, and in the bin."""
    counts = dict.fromkeys(("file in trash", "folder in trash", "file in bin", "folder in bin"), 0)
    for path in (
        (trash / "files").iterdir() if trash.is_dir() and (trash / "files").is_dir() else ()
    ):
        whole = (
            path.read_bytes() == FILE
            if path.is_file()
            else (path / "sub/file").read_bytes() == DEEP
        )
        assert whole, f"{path} is there in part"
        counts["file in trash" if path.is_file() else "folder in trash"] += 1
    if trash.is_dir() and counts["file in trash"] + counts["folder in trash"]:
        assert {seen.path for seen in look_into(trash)} <= {
            "/mnt/drive/doc.txt",
            "/mnt/drive/papers",
        }
    for path in (folder / "bin").glob("*/*"):
        if path.name == "doc.txt" and path.read_bytes() == FILE:
            counts["file in bin"] += 1
        if (
            path.name == "papers"
            and (path / "sub/file").is_file()
            and (path / "sub/file").read_bytes() == DEEP
        ):
            counts["folder in bin"] += 1
    return counts


def main(how: str, sources: Path, trashes: Path) -> None:
    fill(sources / "template")
    number, stopped, doubles = 0, True, 0
    while stopped:
        number += 1
        folder, trash = sources / "replica", trashes / "Trash"
        shutil.copytree(sources / "template", folder)
        stopped = attempt(how, number, folder, trash)
        found = versions(folder, trash)
        assert found["file in trash"] + found["file in bin"] >= 1, (number, found)
        assert found["folder in trash"] + found["folder in bin"] >= 1, (number, found)
        if how == "fail" and (trash / "info").is_dir():
            for path in (trash / "info").iterdir():
                assert (trash / "files" / path.stem).exists(), (
                    f"{number}: a claim was left behind: {path}"
                )
        hand_over(folder, trash)
        after = versions(folder, trash)
        assert after["file in bin"] == after["folder in bin"] == 0, (number, after)
        doubles += after["file in trash"] + after["folder in trash"] - 2
        left = {path for path in everything(trash) if not path.startswith("files/")}
        infos = {f"info/{path.name}.trashinfo" for path in (trash / "files").iterdir()}
        strays = left - infos - {"files", "info", "directorysizes"}
        # Killed between making an info file and filling it: nobody can tell whose it is, and it
        # means nothing.
        assert all((trash / path).stat().st_size == 0 for path in strays), (number, strays)
        assert len(strays) <= 1, (number, strays)
        assert list((folder / "bin").iterdir()) == [], number
        for each in (folder, trash):
            shutil.rmtree(each)
    print(json.dumps({"steps": number - 1, "doubles": doubles}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
