"""What the user does next: a seed and what is in the drive decide."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from tests.crash.model import FILE, FOLDER, LINK, Step, Tree

REMOTE = "remote"
"""The folder that is changed on the server alone."""

SHARED = "shared"
"""The folder whose files are written here and changed on the server."""

NAMES = ("a", "b", "c.txt", "d.odt", "e é", "f", "g", "h")
MOST = 50
"""Entries; from then on more goes than comes."""

FAVOURED = 30
"""The weight of what somebody does most of the time, beside 1 to 6 of all else."""


def is_apart(path: str) -> bool:
    """Whether it is in one of the folders that are not the user's alone."""
    return path.split("/", 1)[0] in {REMOTE, SHARED}


class Person:
    """``next_step`` is possible in ``tree``, which is changed by the caller. ``favours``: kinds of
    work that are done most of the time, by the names of the methods."""

    def __init__(self, chance: random.Random, tree: Tree, favours: Iterable[str] = ()) -> None:
        self._favours = {f"_{each}" for each in favours}
        self._chance = chance
        self._tree = tree
        self._rest: Iterator[Step] = iter(())
        self._held = 0

    def next_step(self) -> Step:
        step = next(self._rest, None)
        while step is None:
            self._rest = self._some_work()
            step = next(self._rest, None)
        return step

    def _some_work(self) -> Iterator[Step]:
        """One step, or several that belong together; none when it is not possible now."""
        kinds = {
            self._new: 6,
            self._edit: 6,
            self._save: 3,
            self._save_with_backup: 1,
            self._folder: 2,
            self._link: 1,
            self._move: 3,
            self._replace: 2,
            self._exchange: 1,
            self._remove: 2,
            self._keep_open: 2,
            self._write_open: 2,
            self._let_go: 1,
            self._attributes: 2,
            self._sync: 1,
            self._put_shared: 3,
            self._come_and_go: 1,
            self._another_name: 2,
        }
        kinds.update({work: FAVOURED for work in kinds if work.__name__ in self._favours})
        if len(self._tree.entries) > MOST:
            kinds[self._remove] = 20
        return self._chance.choices(list(kinds), list(kinds.values()))[0]()

    # choices --------------------------------------------------------------------------------------

    def _any(self, *kinds: str) -> str | None:
        there = sorted(
            path
            for path, entry in self._tree.entries.items()
            if entry.kind in kinds and not is_apart(path)
        )
        return self._chance.choice(there) if there else None

    def _parent(self) -> str:
        """With a slash at its end; empty for the root."""
        folder = self._any(FOLDER)
        return (
            f"{folder}/"
            if folder is not None and folder.count("/") < 4 and self._chance.random() < 0.6
            else ""
        )

    def _free(self, mark: str = "") -> str:
        while True:
            path = f"{self._parent()}{self._chance.choice(NAMES)}{self._chance.randrange(30)}{mark}"
            if path not in self._tree.entries:
                return path

    def _bytes(self, op: str, path: str, *, offset: int = 0, held: int = 0, mode: int = 0) -> Step:
        size = self._chance.choice((0, 1, 100, 4096, 5000, 20_000, 70_000))
        return Step(
            op,
            path,
            offset=offset,
            size=size,
            seed=self._chance.randrange(1 << 40),
            held=held,
            mode=mode,
        )

    # work -----------------------------------------------------------------------------------------

    def _new(self) -> Iterator[Step]:
        yield self._bytes("create", self._free(), mode=self._chance.choice((0o644, 0o600, 0o755)))

    def _edit(self) -> Iterator[Step]:
        path = self._any(FILE)
        if path is None:
            return
        size = len(self._tree.entries[path].content)
        op = self._chance.choice(("write", "append", "rewrite", "truncate", "mapped"))
        if op == "mapped":
            if size:
                offset = self._chance.randrange(size)
                yield Step(
                    op,
                    path,
                    offset=offset,
                    size=size - offset,
                    seed=self._chance.randrange(1 << 40),
                )
        elif op == "truncate":
            yield Step(op, path, size=self._chance.choice((0, size // 2, size + 3000)))
        else:
            yield self._bytes(
                op, path, offset=self._chance.randrange(size + 5000) if op == "write" else 0
            )

    def _save(self) -> Iterator[Step]:
        """A new file, synced, is renamed over the document."""
        path = self._any(FILE)
        if path is None:
            return
        new = f"{path}.new"
        if new in self._tree.entries:
            return
        self._held += 1
        yield self._bytes("create", new, mode=0o644)
        yield self._bytes("hold", new, held=self._held)
        yield Step("release", new, held=self._held)
        yield Step("rename", new, new.removesuffix(".new"))

    def _save_with_backup(self) -> Iterator[Step]:
        path = self._any(FILE)
        if path is None or f"{path}~" in self._tree.entries:
            return
        yield Step("rename", path, f"{path}~")
        yield self._bytes("create", path, mode=0o644)
        yield Step("unlink", f"{path}~")

    def _folder(self) -> Iterator[Step]:
        yield Step("mkdir", self._free())

    def _come_and_go(self) -> Iterator[Step]:
        path = self._free()
        yield Step("mkdir", path)
        yield Step("rmdir", path)

    def _link(self) -> Iterator[Step]:
        yield Step("symlink", self._free(), self._chance.choice(("somewhere", "../a", "/nowhere")))

    def _another_name(self) -> Iterator[Step]:
        path = self._any(FILE)
        if path is not None:
            yield Step("hardlink", path, self._free())

    def _move(self) -> Iterator[Step]:
        source = self._any(FILE, FOLDER, LINK)
        if source is not None:
            target = self._free()
            if not target.startswith(source + "/"):
                yield Step(self._chance.choice(("rename", "rename_new")), source, target)

    def _replace(self) -> Iterator[Step]:
        source, target = self._any(FILE), self._any(FILE)
        if source is not None and target is not None and source != target:
            yield Step("rename", source, target)

    def _exchange(self) -> Iterator[Step]:
        one, other = self._any(FILE, FOLDER), self._any(FILE, FOLDER)
        if one is None or other is None:
            return
        if not f"{one}/".startswith(f"{other}/") and not f"{other}/".startswith(f"{one}/"):
            yield Step("exchange", one, other)

    def _remove(self) -> Iterator[Step]:
        """As ``rm -r`` does it, one by one."""
        path = self._any(FILE, FOLDER, LINK)
        if path is None:
            return
        for each in [*sorted(self._tree.below(path), reverse=True), path]:
            yield Step("rmdir" if self._tree.entries[each].kind == FOLDER else "unlink", each)

    def _keep_open(self) -> Iterator[Step]:
        path = self._any(FILE)
        if path is not None:
            self._held += 1
            yield self._bytes("hold", path, held=self._held)

    def _write_open(self) -> Iterator[Step]:
        """Through a handle whose file may have been renamed or removed since."""
        if self._tree.held:
            held = self._chance.choice(sorted(self._tree.held))
            offset = self._chance.randrange(len(self._tree.held[held].content) + 1)
            yield self._bytes("write_held", "", offset=offset, held=held)

    def _let_go(self) -> Iterator[Step]:
        if self._tree.held:
            yield Step("release", "", held=self._chance.choice(sorted(self._tree.held)))

    def _attributes(self) -> Iterator[Step]:
        path = self._any(FILE)
        if path is None:
            return
        what = self._chance.choice(("utime", "chmod", "xattr"))
        if what == "utime":
            yield Step(
                what,
                path,
                time=self._chance.randrange(1_000_000_000, 1_700_000_000) * 10**9 + 123_456_789,
            )
        elif what == "chmod":
            yield Step(what, path, mode=self._chance.choice((0o644, 0o600, 0o755)))
        else:
            yield Step(
                what,
                path,
                f"user.{self._chance.choice('xyz')}",
                size=20,
                seed=self._chance.randrange(1 << 40),
            )

    def _put_shared(self) -> Iterator[Step]:
        yield self._bytes("put", f"{SHARED}/s{self._chance.randrange(5)}")

    def _sync(self) -> Iterator[Step]:
        yield Step("sync_folder", self._any(FOLDER) or "")
