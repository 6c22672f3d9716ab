"""What somebody else does on the server's disk.

As in `people`, every operation finds what it works on by its own random numbers.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from reconciler.model import ROOT
from tests.sim.ledger import FIRST
from tests.sim.server import ODD_TIMES_MS, PARTIAL, TEMPORARY, TOP

if TYPE_CHECKING:
    from tests.sim.world import World

from tests.sim.people import DEPTH, FOLDERS, NAMES


class Somebody:
    """Works on the server's disk by other ways: the web, WebDAV, a shell. Times are in ms there."""

    def __init__(self, world: World, rng: random.Random, top: str) -> None:
        self._world = world
        self._disk = world.disk
        self._rng = rng
        self._top = top

    def do(self, name: str) -> None:
        try:
            getattr(self, name)()
        except LookupError as error:
            self._world.log("server", f"{name} was not possible: {error!r}")

    def _all(self, *, folders: bool = True, files: bool = True) -> list[str]:
        return [
            path
            for path, item in self._disk.walk(self._top)
            if PARTIAL not in path
            and TEMPORARY not in path
            and (folders if item.is_folder else files)
        ]

    def _free(self, names: tuple[str, ...]) -> str:
        folders = [self._top] + [path for path in self._all(files=False) if path.count("/") < DEPTH]
        folder = self._rng.choice(folders)
        path = f"{folder}/{self._rng.choice(names)}" if folder else self._rng.choice(names)
        if self._disk.at(path) is not None:
            raise LookupError(path)
        return path

    def _put(self, path: str, before: int) -> None:
        lots, size = self._rng.choice((0, 0, 0, 1, 3)), self._world.same_size(self._rng)
        number = self._world.ledger.new("server", before, lots=lots, size=size)
        mtime_ms = self._world.wall_ms()
        if self._rng.random() < 0.2:
            mtime_ms -= self._rng.randrange(10**9)
        if self._rng.random() < 0.03:
            mtime_ms = self._rng.choice(ODD_TIMES_MS)
        self._disk.put(path, self._world.ledger.data(number), mtime_ms)
        self._world.ledger.written.add(number)
        self._world.log("server", f"wrote {number} to {path} mtime {mtime_ms}")

    def new(self) -> None:
        self._put(self._free(NAMES), 0)

    def edit(self) -> None:
        path = self._rng.choice(self._all(folders=False))
        self._put(path, self._gives_up(path))

    def _gives_up(self, path: str) -> int:
        """Somebody writes over what is there: which version that is."""
        number = self._world.ledger.number(self._disk.existing(path).data)
        self._world.release({number}, "written over", "server")
        return number

    def _alike(self) -> tuple[str, int, int]:
        """A file that gets another content: its path, the version, which has its size, and its time
        (ms) or another one of that second."""
        path = self._rng.choice(self._all(folders=False))
        item = self._disk.existing(path)
        if item.size < FIRST:
            raise LookupError("nothing that small is another version")
        number = self._world.ledger.new("server", self._gives_up(path), size=item.size)
        self._world.ledger.written.add(number)
        self._world.alike.add(number)
        other = self._rng.random() < 0.5
        return (
            path,
            number,
            item.mtime_ms // 1000 * 1000 + self._rng.randrange(1000) if other else item.mtime_ms,
        )

    def replace_alike(self) -> None:
        """Another file of its size and second comes over one: `cp -p`, `mv`, `rsync -a`, `tar
        x`."""
        path, number, mtime_ms = self._alike()
        self._disk.put(path, self._world.ledger.data(number), mtime_ms)
        self._world.log("server", f"replaced {path} by {number} alike, mtime {mtime_ms}")

    def edit_alike(self) -> None:
        """In place, with its size and second. Mode ``fast`` cannot see it, or by the milliseconds
        alone."""
        path, number, mtime_ms = self._alike()
        self._disk.write_into(path, self._world.ledger.data(number), mtime_ms)
        self._world.log("server", f"edited {path} to {number} alike in place, mtime {mtime_ms}")

    # backups --------------------------------------------------------------------------------------

    def backup(self) -> None:
        self._world.log("server", "backup")
        self._world.backup = self._disk.backup()

    def restore(self) -> None:
        backup = self._world.backup
        if backup is None:
            raise LookupError("there is no backup")
        again = self._rng.random() < 0.3
        self._world.log("server", f"RESTORED, inodes given out {'again' if again else 'anew'}")
        self._world.restore(backup, self._rng, again=again)

    def restore_part(self) -> None:
        """What is not in the backup is gone with the folder, as after `destroy`."""
        backup = self._world.backup
        folders = (
            [path for path, data, _ in backup.items if data is None] if backup is not None else []
        )
        top = self._rng.choice(
            [path for path in folders if (at := self._disk.at(path)) is not None and at.is_folder]
        )
        assert backup is not None
        self._world.log("server", f"restored {top}")
        before = {self._world.ledger.number(item.data) for _, item in self._disk.walk(top)}
        self._disk.restore_part(backup, top)
        after = {self._world.ledger.number(item.data) for _, item in self._disk.walk(top)}
        self._world.release(before - after, "gone with the folder that was restored", "server")

    def mkdir(self) -> None:
        path = self._free(FOLDERS)
        self._world.log("server", f"mkdir {path}")
        self._disk.make_folder(path, self._world.wall_ms())

    def rename(self) -> None:
        path = self._rng.choice(self._all())
        target = self._free(NAMES) if self._rng.random() < 0.7 else self._rng.choice(self._all())
        if f"{target}/".startswith(f"{path}/") or f"{path}/".startswith(f"{target}/"):
            raise LookupError(target)
        self._world.log("server", f"rename {path} to {target}")
        self._disk.move(path, target)

    def swap(self) -> None:
        path, other = self._rng.choice(self._all()), self._rng.choice(self._all())
        if f"{other}/".startswith(f"{path}/") or f"{path}/".startswith(f"{other}/"):
            raise LookupError(other)
        self._world.log("server", f"swap {path} and {other}")
        middle = f"{self._top}/swapping" if self._top else "swapping"
        self._disk.move(path, middle)
        self._disk.move(other, path)
        self._disk.move(middle, other)

    def delete(self) -> None:
        path = self._rng.choice(self._all())
        self._world.log("server", f"delete {path}")
        self._disk.delete(path)

    def destroy(self) -> None:
        path = self._rng.choice(self._all())
        item = self._disk.existing(path)
        self._world.log("server", f"destroy {path}")
        for _, each in [(path, item), *self._disk.walk(path)]:
            self._world.release({self._world.ledger.number(each.data)}, "destroyed", "server")
        self._disk.destroy(path)

    def touch(self) -> None:
        path = self._rng.choice(self._all(folders=False))
        self._world.log("server", f"touch {path}")
        self._world.touched.add(self._world.ledger.number(self._disk.existing(path).data))
        self._disk.touch(path, self._world.wall_ms() - self._rng.randrange(2) * 10**7)
        if self._rng.random() < 0.3:
            self._disk.touch(path, self._rng.choice(ODD_TIMES_MS))


SERVER_OPERATIONS: dict[str, float] = {
    "new": 10,
    "edit": 10,
    "mkdir": 5,
    "rename": 10,
    "swap": 2,
    "delete": 5,
    "destroy": 2,
    "touch": 1,
    "replace_alike": 2,
    "edit_alike": 0.5,
}

assert TOP == ROOT
