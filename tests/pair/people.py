"""Two people, each at work in a drive of their own that shows the same folder: they make folders,
give them other names, put them into each other, and write, save, rename and delete files in them,
most of all in those that were made a moment ago.

A folder has a number in its name, which renames keep. A file's content is a word that nobody has
written before; whoever replaces or deletes a file has read its word, which may be gone from then
on.
"""

from __future__ import annotations

import errno
import os
import random
from collections import Counter
from pathlib import Path

OPERATIONS = {
    "folder": 6,
    "call": 10,
    "carry": 3,
    "file": 14,
    "edit": 5,
    "save": 2,
    "rename": 3,
    "unlink": 1,
}
"""What they do, and how often. ``folder`` makes one, ``call`` gives one another name, ``carry``
puts it into another one; the rest works on files."""

NAMES = ("a", "b", "c", "A", "n.txt", "ü", "long " + "x" * 200)
DEPTH = 3
LATEST = 5
"""Every second time one of so many latest folders is taken."""

MEANWHILE = frozenset(
    {
        errno.ENOENT,
        errno.EEXIST,
        errno.ENOTEMPTY,
        errno.ESTALE,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EINVAL,
    }
)
"""What a step meets on a local disk, too, where somebody else has been there a moment before."""


def number(name: str) -> str:
    """The number in a folder's name."""
    return name.partition(".")[0]


class Person:
    """``written`` has the words that they saved, ``given_up`` those that they have seen and
    replaced or deleted; ``done`` counts steps by kind, ``refused`` what steps met by errno's
    name."""

    def __init__(self, drive: Path, name: str, seed: int) -> None:
        self.drive = self._drive = drive
        self._name = name
        self._chance = random.Random(f"{seed} {name}")
        self._made: list[str] = []  # numbers of folders, as they were seen first
        self._words = 0
        self.written: set[str] = set()
        self.given_up: set[str] = set()
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.faults: list[str] = []

    def step(self) -> None:
        """One thing. What it meets that a local disk would not say is a fault."""
        op = self._chance.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        try:
            getattr(self, f"_{op}")()
        except OSError as error:
            said = errno.errorcode.get(error.errno or 0, str(error.errno))
            self.refused[said] += 1
            if error.errno not in MEANWHILE:
                self.faults.append(f"{self._name}: {op}: {error}")
        except LookupError:  # there is nothing yet to do it with
            self.refused["nothing there"] += 1
        else:
            self.done[op] += 1

    # where ----------------------------------------------------------------------------------------

    def _folders(self) -> list[str]:
        found = []
        for folder, names, _ in os.walk(self._drive):
            found += [os.path.relpath(os.path.join(folder, name), self._drive) for name in names]
        known = set(self._made)
        self._made += sorted({number(Path(each).name) for each in found} - known)
        return found

    def _one(self) -> str:
        folders = self._folders()
        latest = set(self._made[-LATEST:])
        some = [each for each in folders if number(Path(each).name) in latest]
        return self._chance.choice(some if some and self._chance.random() < 0.5 else folders)

    def _parent(self) -> str:
        """The top, or a folder that is not too deep."""
        return self._chance.choice(
            ["", *(each for each in self._folders() if each.count("/") < DEPTH)]
        )

    def _a_file(self) -> Path:
        found = []
        for folder, _, names in os.walk(self._drive):
            found += [Path(folder, name) for name in names]
        return self._chance.choice(sorted(found))

    # what -----------------------------------------------------------------------------------------

    def _folder(self) -> None:
        path = self._drive / self._parent() / f"d{self._chance.getrandbits(40)}"
        path.mkdir()
        if self._chance.random() < 0.5:
            self._write(path / "first")

    def _call(self) -> None:
        path = self._drive / self._one()
        path.rename(path.with_name(f"{number(path.name)}.{self._chance.getrandbits(16)}"))

    def _carry(self) -> None:
        path, target = self._one(), self._parent()
        if f"{target}/".startswith(f"{path}/") or target.count("/") + self._height(path) > DEPTH:
            raise LookupError("it would get too deep")
        (self._drive / path).rename(self._drive / target / Path(path).name)

    def _height(self, path: str) -> int:
        below = [
            each.count("/") - path.count("/")
            for each in self._folders()
            if each.startswith(f"{path}/")
        ]
        return max(below, default=0) + 2

    def _file(self) -> None:
        path = self._drive / self._one() / self._chance.choice(NAMES)
        if path.exists():
            raise FileExistsError(errno.EEXIST, "it is there", str(path))
        self._write(path)

    def _edit(self) -> None:
        """In its place, as an editor does that knows no other way."""
        path = self._a_file()
        with path.open("r+b") as file:
            before, word = file.read().decode(), self._word()
            self.given_up.add(before)
            file.seek(0)
            file.truncate()
            file.write(word.encode())
            file.flush()
            inode = os.fstat(file.fileno()).st_ino
        self._saved(path, word, inode, before)

    def _save(self) -> None:
        path = self._a_file()
        new = path.with_name(f"{path.name[:9]}.new")
        word = self._word()
        before = path.read_text()
        with new.open("xb") as file:
            file.write(word.encode())
            inode = os.fstat(file.fileno()).st_ino
        new.replace(path)
        self._saved(path, word, inode, before)

    def _rename(self) -> None:
        """A file gets another name or another folder, or replaces another file."""
        path, target = self._a_file(), self._drive / self._one() / self._chance.choice(NAMES)
        if path == target:
            raise LookupError("it is there already")
        before = target.read_text() if target.exists() else ""
        path.replace(target)
        self.given_up.add(before)

    def _unlink(self) -> None:
        path = self._a_file()
        before = path.read_text()
        path.unlink()
        self.given_up.add(before)

    def _word(self) -> str:
        """Of a length that no other has, for some hundred words: in mode ``fast`` two versions of
        one size and second are the same."""
        self._words += 1
        return f"{self._name} {self._words} ".ljust(20 + self._words * 2 + (self._name == "b"), "x")

    def _write(self, path: Path) -> None:
        word = self._word()
        with path.open("xb") as file:
            file.write(word.encode())
            inode = os.fstat(file.fileno()).st_ino
        self._saved(path, word, inode, "")

    def _saved(self, path: Path, word: str, inode: int, before: str) -> None:
        """It counts where the name still leads to what was written: else it went into a file that
        had lost its name, as on any disk."""
        self.given_up.add(before)
        try:
            if path.stat().st_ino == inode:
                self.written.add(word)
        except FileNotFoundError:
            pass
