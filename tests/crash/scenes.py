"""What leads the drive's process to each named point.

A scene begins with ``before``, after which both sides come to rest; then the trap is armed and
``then`` happens, while the user does most of the time what ``favours`` says. Everything in it
happens at least ``FEW`` times.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash.model import Step, Tree
from tests.crash.people import REMOTE, SHARED
from tests.crash.worker import RENAME_EXCHANGE, Hands, rename_with

FEW = 4
NEWER = 10.0
"""Seconds by which somebody's version is newer than any here."""


class Stage:
    """The drive, and the same folder on the server's disk. ``overwritten`` gets what somebody
    replaced or removed there."""

    _versions = itertools.count()

    def __init__(
        self, drive: Path, disk: Path, tree: Tree, overwritten: set[bytes], chance: random.Random
    ) -> None:
        self.disk = disk
        self.chance = chance
        self._tree = tree
        self._overwritten = overwritten
        self._hands = Hands(drive)

    def here(self, op: str, path: str, to: str = "") -> None:
        """The user's step in the shared folder. Raises OSError."""
        step = Step(op, path, to, size=2000, seed=self.chance.randrange(1 << 40))
        self._hands.do(step)
        self._tree.apply(step)

    def put_there(self, path: str, size: int = 2000) -> None:
        """Somebody's file, new or another version, of ``size`` bytes or some more: in mode ``fast``
        two versions of one size and second are the same, so none has the size of the one before,
        nor one that the user's have."""
        file = self.disk / path
        file.parent.mkdir(exist_ok=True)
        more = next(self._versions) % 500 + 1 if size else 0
        self._overwritten.add(replace_with(file, self.chance.randbytes(size + more)))

    def newest_there(self, path: str) -> None:
        self.put_there(path)
        at = time.time() + NEWER
        os.utime(self.disk / path, (at, at))

    def remove_there(self, path: str) -> None:
        gone = self.disk / path
        self._overwritten |= {
            each.read_bytes() for each in (gone, *gone.rglob("*")) if each.is_file()
        }
        if gone.is_dir():
            shutil.rmtree(gone)
        else:
            gone.unlink(missing_ok=True)


def replace_with(path: Path, content: bytes) -> bytes:
    """At once, as the server's own uploads do it; what was there."""
    new = path.with_name(".sync-in.new")
    new.write_bytes(content)
    if not path.exists():
        new.rename(path)
        return b""
    rename_with(new, path, RENAME_EXCHANGE)
    before = new.read_bytes()
    new.unlink()
    return before


def somebody(stage: Stage) -> None:
    """Whatever others do in a day: in a folder of their own, and in the shared one."""
    chance = stage.chance
    for one in sorted((stage.disk / SHARED).glob("s?")):
        if chance.random() < 0.5:
            stage.put_there(f"{SHARED}/{one.name}", chance.choice((200, 6000)))
    for _ in range(chance.randrange(6)):
        path, other = (f"{REMOTE}/r{chance.randrange(12)}" for _ in range(2))
        what = chance.random()
        if what < 0.2:
            stage.remove_there(path)
        elif what < 0.35 and (stage.disk / path).exists():
            (stage.disk / path).rename(stage.disk / other)
        else:
            stage.put_there(path, chance.choice((0, 200, 6000, 200_000)))


# what happens -------------------------------------------------------------------------------------


def _files(folder: str, letter: str) -> list[str]:
    return [f"{folder}/{letter}{number}" for number in range(FEW)]


def bring(stage: Stage) -> None:
    """Files come, or new versions of them."""
    for path in _files(REMOTE, "p"):
        stage.put_there(path, 150_000)


def come(stage: Stage) -> None:
    """Files that were never there."""
    mark = stage.chance.randrange(1 << 30)
    for number in range(FEW):
        stage.put_there(f"{REMOTE}/new{mark}-{number}")


def rename(stage: Stage) -> None:
    for path in _files(REMOTE, "p"):
        (stage.disk / path).rename(stage.disk / path.replace("/p", "/q"))


def remove(stage: Stage) -> None:
    for path in sorted(os.listdir(stage.disk / REMOTE)):
        if path[0] in "pqn":
            stage.remove_there(f"{REMOTE}/{path}")


def documents(stage: Stage) -> None:
    for path in _files(SHARED, "k"):
        stage.put_there(path)


def collide(stage: Stage) -> None:
    """Both sides write the same documents, and the server's versions win."""
    for path in _files(SHARED, "k"):
        stage.here("put", path)
        stage.newest_there(path)


def collide_by_name(stage: Stage) -> None:
    """Documents that have another name here; the server's versions win under the first."""
    mark = stage.chance.randrange(1 << 30)
    for path in _files(SHARED, "k"):
        stage.here("put", path)
        stage.here("hardlink", path, f"{path}-{mark}")
        stage.newest_there(path)


def folders(stage: Stage) -> None:
    for path in _files(SHARED, "d"):
        stage.put_there(f"{path}/f")


def link_and_remove(stage: Stage) -> None:
    """Folders with links, which only the drive has, go on the server."""
    for path in _files(SHARED, "d"):
        stage.here("symlink", f"{path}/link", "nowhere")
        stage.remove_there(path)


def write_and_remove(stage: Stage) -> None:
    """Folders whose files were just edited here go on the server."""
    for path in _files(SHARED, "d"):
        stage.here("put", f"{path}/f")
        stage.remove_there(path)


@dataclass(frozen=True, slots=True)
class Scene:
    """``busy``: the user has so much to do that the point is passed tens of times. ``syncs``: it
    takes runs."""

    favours: tuple[str, ...] = ()
    before: Callable[[Stage], None] | None = None
    then: Callable[[Stage], None] | None = None
    busy: bool = False
    syncs: bool = True


ANYTHING = Scene()


def _local(*favours: str) -> Scene:
    return Scene(favours, busy=True, syncs=False)


_COLLISION = Scene(before=documents, then=collide)
_ARRIVAL = Scene(before=bring, then=bring)

SCENES: dict[str, Scene] = {
    "append": _local(),
    "created": _local("new"),
    "attributes": _local("attributes", "new"),
    "bytes": _local("edit"),
    "write_begun": _local("edit", "new"),
    "written": _local("edit", "new"),
    "renamed": _local("move", "replace"),
    "unlinked": _local("remove", "new"),
    "folder_removed": _local("come_and_go"),
    "xattr": Scene(("attributes",), syncs=False),
    "linked": _local("another_name", "new"),
    "truncated": _local("edit"),
    "journal_synced": _local("keep_open", "save"),
    "effect.Unlink": _local("replace"),
    "placed": Scene(then=come),
    "taken_in": _ARRIVAL,
    "swap": _ARRIVAL,
    "arrived": _ARRIVAL,
    "request.GET": _ARRIVAL,
    "moved_here": Scene(before=bring, then=rename),
    "deleted_here": Scene(before=bring, then=remove),
    "effect.ToBin": _COLLISION,
    "effect.NoteToBin": _COLLISION,
    "effect.DropBin": _COLLISION,
    "effect.CopyToBin": Scene(before=documents, then=collide_by_name),
    "effect.LinkToBin": Scene(before=folders, then=link_and_remove),
    "effect.FolderToBin": Scene(before=folders, then=write_and_remove),
    "request.POST": Scene(("new",)),
    "request.PUT": Scene(("edit", "new")),
    "request.MOVE": Scene(("move",)),
    "request.DELETE": Scene(("remove", "new")),
    "request.PROPPATCH": Scene(("attributes",)),
    "request.HEAD": Scene(("edit", "attributes")),
    "upload": Scene(("new", "edit")),
    "leftover": Scene(("new", "edit")),
    "leftover_gone": Scene(("new", "edit")),
    "bases": Scene(("new",), then=come),
    "swept": Scene(("replace", "save")),
    "contents_synced": Scene(("edit",)),
    "sync_files": Scene(("edit",)),
}
"""By the point's name; for the others whatever happens will do."""

NEEDS_REMOTE_WINS = "effect.FolderToBin"
"""Is passed only where the server's deletion wins over an edit here."""
