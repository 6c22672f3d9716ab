"""What a drive must hold after a sequence of steps, and what an interrupted one may have left.
Pure.

A step is one change through the file system, as data: it can be done to a real folder
(``tests.crash.worker``) and to a ``Tree``. It is acknowledged when it returned; what is written to
a file, when close, fsync or msync did.
"""

from __future__ import annotations

import random

import msgspec

FILE, FOLDER, LINK = "file", "folder", "link"


class Entry(msgspec.Struct):
    """``mtime`` is None where nobody knows it (a step was interrupted), in ns else; files only."""

    kind: str
    content: bytes = b""
    target: str = ""
    mtime: int | None = None
    mode: int | None = None
    xattrs: dict[str, bytes] = {}


class Step(msgspec.Struct, omit_defaults=True):
    """``op`` is a method of ``Tree`` and of the worker. ``seed`` and ``size`` make the bytes,
    ``held`` names an open file."""

    op: str
    path: str
    to: str = ""
    offset: int = 0
    size: int = 0
    seed: int = 0
    held: int = 0
    mode: int = 0
    time: int = 0

    def data(self) -> bytes:
        return random.Random(self.seed).randbytes(self.size)


class Tree:
    """Path → entry, without the root. Steps are taken for possible."""

    def __init__(self, entries: dict[str, Entry] | None = None) -> None:
        self.entries = entries or {}
        self.held: dict[int, Entry] = {}

    def apply(self, step: Step, mtime: int | None = None) -> None:
        """``mtime`` is what the file had when the step returned, where it changed one."""
        entry = self._apply(step)
        changes_time = step.op in {"create", "rewrite", "truncate", "utime"} or step.size
        if entry is not None and step.op in CHANGES_BYTES | {"utime"} and changes_time:
            entry.mtime = mtime

    def _apply(self, step: Step) -> Entry | None:
        changed: Entry | None = getattr(self, f"_{step.op}")(step)
        return changed

    def below(self, path: str) -> list[str]:
        return [each for each in self.entries if each.startswith(path + "/")]

    # steps ----------------------------------------------------------------------------------------

    def _create(self, step: Step) -> Entry:
        entry = self.entries[step.path] = Entry(FILE, step.data(), mode=step.mode)
        return entry

    def _put(self, step: Step) -> None:
        """Written anew, whatever is there; in a folder that is not the user's alone."""
        self.entries[step.path] = Entry(FILE, step.data())

    def _write(self, step: Step) -> Entry:
        entry = self.entries[step.path]
        self._fill(entry, step)
        return entry

    _mapped = _write

    def _append(self, step: Step) -> Entry:
        entry = self.entries[step.path]
        entry.content += step.data()
        return entry

    def _rewrite(self, step: Step) -> Entry:
        entry = self.entries[step.path]
        entry.content = step.data()
        return entry

    def _truncate(self, step: Step) -> Entry:
        entry = self.entries[step.path]
        entry.content = entry.content[: step.size].ljust(step.size, b"\0")
        return entry

    def _hold(self, step: Step) -> Entry:
        """Written and synced through a handle that stays open."""
        entry = self.held[step.held] = self.entries[step.path]
        self._fill(entry, step)
        return entry

    def _write_held(self, step: Step) -> Entry:
        entry = self.held[step.held]
        self._fill(entry, step)
        return entry

    def _release(self, step: Step) -> None:
        self.held.pop(step.held, None)

    @staticmethod
    def _fill(entry: Entry, step: Step) -> None:
        data = step.data()
        if not data:
            return
        start = entry.content[: step.offset].ljust(step.offset, b"\0")
        entry.content = start + data + entry.content[step.offset + len(data) :]

    def _utime(self, step: Step) -> Entry:
        return self.entries[step.path]

    def _chmod(self, step: Step) -> None:
        self.entries[step.path].mode = step.mode

    def _xattr(self, step: Step) -> None:
        entry = self.entries[step.path]
        entry.xattrs = entry.xattrs | {step.to: step.data()}

    def _mkdir(self, step: Step) -> None:
        self.entries[step.path] = Entry(FOLDER)

    def _symlink(self, step: Step) -> None:
        self.entries[step.path] = Entry(LINK, target=step.to)

    def _hardlink(self, step: Step) -> None:
        self.entries[step.to] = self.entries[step.path]

    def _unlink(self, step: Step) -> None:
        del self.entries[step.path]

    _rmdir = _unlink

    def _sync_folder(self, step: Step) -> None:
        pass

    def _rename(self, step: Step) -> None:
        # else both are names of one file
        if self.entries[step.path] is not self.entries.get(step.to):
            self._place(step.to, self._take(step.path))

    _rename_new = _rename

    def _exchange(self, step: Step) -> None:
        one, other = self._take(step.path), self._take(step.to)
        self._place(step.to, one)
        self._place(step.path, other)

    def _take(self, path: str) -> dict[str, Entry]:
        """Out of the tree, by the path below."""
        return {each[len(path) :]: self.entries.pop(each) for each in [path, *self.below(path)]}

    def _place(self, path: str, entries: dict[str, Entry]) -> None:
        self.entries.update({path + rest: entry for rest, entry in entries.items()})


CHANGES_BYTES = frozenset(
    {"create", "write", "mapped", "append", "rewrite", "truncate", "hold", "write_held"}
)


def copied(tree: Tree) -> Tree:
    """Entries that a handle or another name shares stay shared."""
    new = {
        id(entry): msgspec.structs.replace(entry)
        for entry in (*tree.entries.values(), *tree.held.values())
    }
    result = Tree({path: new[id(entry)] for path, entry in tree.entries.items()})
    result.held = {number: new[id(entry)] for number, entry in tree.held.items()}
    return result


def unlike(before: Tree, step: Step | None, found: dict[str, Entry]) -> list[str]:
    """What is wrong with the drive that was found, a line each. ``step`` was under way when the
    drive was killed."""
    after = copied(before)
    if step is not None:
        after.apply(step)
    wrong = [_differences(before, found)]
    if step is not None:
        wrong.append(_differences(after, found, _partly(before, after, step)))
    return min(wrong, key=len)


def _partly(before: Tree, after: Tree, step: Step) -> dict[str, Entry | None]:
    """The names of the file whose bytes may be partly the old and partly the new ones, and what it
    was."""
    if step.op not in CHANGES_BYTES - {"truncate"}:
        return {}
    path = step.path
    if step.op == "write_held":
        held = before.held[step.held]
        path = next((each for each, entry in before.entries.items() if entry is held), "")
    changed = after.entries.get(path)
    names = [each for each, entry in after.entries.items() if entry is changed]
    return {each: before.entries.get(each) for each in names}


def _names(tree: dict[str, Entry]) -> set[tuple[str, ...]]:
    """The names of each file that has several."""
    groups: dict[int, list[str]] = {}
    for path in sorted(tree):
        groups.setdefault(id(tree[path]), []).append(path)
    return {tuple(names) for names in groups.values() if len(names) > 1}


def _differences(
    tree: Tree, found: dict[str, Entry], partly: dict[str, Entry | None] | None = None
) -> list[str]:
    partly = partly or {}
    here, there_are = _names(tree.entries), _names(found)
    lines = [
        f"it has other names: {path}"
        for path in sorted({path for names in here ^ there_are for path in names})
    ]
    for path in sorted(tree.entries.keys() | found.keys()):
        wanted, there = tree.entries.get(path), found.get(path)
        if path in partly:
            assert wanted is not None
            if there is None and partly[path] is not None:
                lines.append(f"missing: {path}")
            elif there is not None and not _is_between(partly[path], wanted, there):
                lines.append(f"neither the old bytes nor the new ones: {path}")
        elif wanted is None or there is None:
            lines.append(f"{'missing' if there is None else 'nobody made it'}: {path}")
        else:
            lines += [f"{what}: {path}" for what in _unlike(wanted, there)]
    return lines


def _is_between(old: Entry | None, new: Entry, found: Entry) -> bool:
    """Each byte is the old or the new one; what has not arrived behind the old end is zero."""
    before = b"" if old is None else old.content
    longest = max(len(before), len(new.content))
    if found.kind != FILE or len(found.content) > longest:
        return False
    if len(found.content) < min(len(before), len(new.content)) and found.content:
        # Emptied, and then written anew: the rest of the new bytes is missing.
        before = b""
    former, newer = before.ljust(longest, b"\0"), new.content.ljust(longest, b"\0")
    return all(byte in {former[at], newer[at], 0} for at, byte in enumerate(found.content))


def _unlike(wanted: Entry, found: Entry) -> list[str]:
    if wanted.kind != found.kind:
        return [f"a {found.kind} instead of a {wanted.kind}"]
    said = []
    if wanted.content != found.content:
        said.append(f"other bytes ({len(found.content)} instead of {len(wanted.content)})")
    if wanted.target != found.target:
        said.append("another target")
    if wanted.mtime is not None and found.mtime is not None and wanted.mtime != found.mtime:
        said.append(f"mtime {found.mtime} instead of {wanted.mtime}")
    if wanted.mode is not None and wanted.mode != found.mode:
        said.append(f"mode {found.mode} instead of {wanted.mode}")
    if wanted.xattrs != found.xattrs:
        said.append(
            f"extended attributes {sorted(found.xattrs)} instead of {sorted(wanted.xattrs)}"
        )
    return said
