"""A disk that loses its power: what a program did to a folder since things were synced may be there
or not.

``Disk`` watches the calls that change names in the folder, and the syncs. ``cut`` makes a new
folder as a power cut at this moment could leave it:

* names: everything that a sync covered, and of the rest a part: all up to some moment, as a file
  system with a journal has it, or any part in which nothing lacks what it builds on;
* bytes: of each file at least what was synced; of the rest all, some, or zeros. (Bytes that were
  overwritten since are the old or the new ones.)
* the index as last committed: LMDB syncs its file before it says so.

fsync of a folder covers all names in it; of a file only its bytes; syncfs all. No file system
promises less.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncin_mount import system
from syncin_mount.store.index.index import Index

IGNORED = ("history.sqlite", "index/")


@dataclass(slots=True)
class Act:
    """One change of names. ``inode`` is the file's that comes, ``target`` the link's."""

    kind: str
    paths: tuple[str, ...]
    inode: int = 0
    target: str = ""
    durable: bool = False

    def needs(self, other: Act) -> bool:
        """Whether an earlier act is about the same names, or about what these are in."""
        return any(
            mine == its or mine.startswith(its + "/") or its.startswith(mine + "/")
            for mine in self.paths
            for its in other.paths
        )


class Disk:
    """The folder must be at rest, and synced, when this is made. ``moments`` counts what could be
    cut between."""

    def __init__(self, folder: Path, vault: Path) -> None:
        self._folder = folder
        # holds a link to every file, so that its bytes can be had when its name is gone
        self._vault = vault
        vault.mkdir()
        # an inode, a link's target, None for a folder
        self._names: dict[str, int | str | None] = {}
        self._acts: list[Act] = []
        self._synced: dict[int, bytes] = {}
        self.moments = 0
        self.at_moment: Callable[[], None] = lambda: None
        for path in sorted(folder.rglob("*")):
            self._names[str(path.relative_to(folder))] = (
                self._keep(path) if path.is_file() else None
            )
        self._index = (folder / "index" / "data.mdb").read_bytes()
        self._sync_all()

    def _keep(self, path: Path) -> int:
        inode = path.stat().st_ino
        if not (self._vault / str(inode)).exists():
            os.link(path, self._vault / str(inode))
        return inode

    def _bytes(self, inode: int) -> bytes:
        return (self._vault / str(inode)).read_bytes()

    def _sync_all(self) -> None:
        for path in self._vault.iterdir():
            self._synced[int(path.name)] = path.read_bytes()
        for act in self._acts:
            act.durable = True

    # watching -------------------------------------------------------------------------------------

    def _relative(self, path: Any) -> str | None:
        text = os.path.abspath(os.fsdecode(path))
        inside = text.startswith(f"{self._folder}/") and text[len(str(self._folder)) + 1 :]
        return None if not inside or inside.startswith(IGNORED) else inside

    def _note(self, kind: str, *paths: Any, inode: int = 0, target: str = "") -> None:
        within = [self._relative(path) for path in paths]
        if all(path is not None for path in within):
            self._acts.append(
                Act(kind, tuple(path for path in within if path is not None), inode, target)
            )
            self._moment()

    def _moment(self) -> None:
        self.moments += 1
        self.at_moment()

    def _fsync(self, fd: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        if not os.path.isdir(path):
            inode = os.fstat(fd).st_ino
            if (self._vault / str(inode)).exists():
                self._synced[inode] = self._bytes(inode)
        elif path == str(self._folder) or self._relative(path) is not None:
            inside = "" if path == str(self._folder) else str(self._relative(path))
            wanted: list[Act] = []
            for act in reversed(self._acts):
                if not act.durable and (
                    any(os.path.dirname(name) == inside for name in act.paths)
                    or any(one.needs(act) for one in wanted)
                ):
                    act.durable = True
                    wanted.append(act)
        self._moment()

    def _syncfs(self, _folder: Path) -> None:
        self._sync_all()
        self._moment()

    @contextmanager
    def watched(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            self._watch_names(patch)
            real_commit = Index.commit

            def commit(index: Index) -> None:
                real_commit(index)
                self._index = (self._folder / "index" / "data.mdb").read_bytes()
                self._moment()

            patch.setattr(Index, "commit", commit)
            patch.setattr(os, "fsync", self._fsync)
            patch.setattr(os, "fdatasync", self._fsync)
            patch.setattr(system, "sync_file_system", self._syncfs)
            yield

    def _watch_names(self, patch: pytest.MonkeyPatch) -> None:
        real_open = os.open

        def opened(path: Any, flags: int, *more: Any, **named: Any) -> int:
            new = bool(flags & os.O_CREAT) and not named and not os.path.lexists(path)
            fd = real_open(path, flags, *more, **named)
            if new and self._relative(path) is not None:
                self._note("file", path, inode=self._keep(Path(os.fsdecode(path))))
            return fd

        patch.setattr(os, "open", opened)
        for name in ("rename", "replace"):
            self._watch(patch, name, lambda source, target: self._note("move", source, target))
        for name in ("unlink", "rmdir"):
            self._watch(patch, name, lambda path, **_: self._note("gone", path))
        self._watch(patch, "mkdir", lambda path, *_: self._note("folder", path))
        self._watch(
            patch,
            "symlink",
            lambda target, path: self._note("link", path, target=os.fsdecode(target)),
        )

    def _watch(self, patch: pytest.MonkeyPatch, name: str, note: Callable[..., None]) -> None:
        real = getattr(os, name)

        def watched(*arguments: Any, **named: Any) -> None:
            real(*arguments, **named)
            note(*arguments, **named)

        patch.setattr(os, name, watched)

    # the power cut --------------------------------------------------------------------------------

    def cut(self, chance: random.Random, target: Path) -> Path:
        """What is left, as a new folder."""
        target.mkdir()
        for path, what in sorted(self._left(chance).items()):
            place = target / path
            if what is None:
                place.mkdir(mode=0o700)
            elif isinstance(what, str):
                place.symlink_to(what)
            else:
                place.write_bytes(self._left_of(chance, what))
                place.chmod(0o600)
        (target / "index" / "data.mdb").write_bytes(self._index)
        return target

    def _left(self, chance: random.Random) -> dict[str, int | str | None]:
        names = {path: what for path, what in self._names.items() if not path.startswith(IGNORED)}
        missing: list[Act] = []
        until = chance.randrange(len(self._acts) + 1) if chance.random() < 0.5 else None
        share = chance.random()
        for number, act in enumerate(self._acts):
            there = number < until if until is not None else chance.random() < share
            if not act.durable and (not there or any(act.needs(one) for one in missing)):
                missing.append(act)
                continue
            first, last = act.paths[0], act.paths[-1]
            if act.kind == "gone":
                names.pop(first, None)
            elif act.kind == "move":
                names[last] = names.pop(first)
            else:
                names[last] = {"folder": None, "file": act.inode, "link": act.target}[act.kind]
        return names

    def _left_of(self, chance: random.Random, inode: int) -> bytes:
        now, synced = self._bytes(inode), self._synced.get(inode, b"")
        if now == synced:
            return now
        how = chance.choice(("now", "synced", "cut", "zeros"))
        if how == "synced":
            return synced
        if how == "now":
            return now
        if not now.startswith(synced):
            return chance.choice((now, synced))
        length = chance.randrange(len(synced), len(now) + 1)
        return now[:length] + (bytes(len(now) - length) if how == "zeros" else b"")
