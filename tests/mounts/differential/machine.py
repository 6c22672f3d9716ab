"""The same random steps on a drive and on a local folder: results, errors, contents and metadata
must be the same."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.mounts.differential.operations import KINDS
from tests.mounts.differential.snapshot import SET_TIMES, exactly
from tests.mounts.differential.worker import GROUPS, SIDES, USER, Worker

NAMES = [b"a", b"b", b"c", b"d", b"d/a", b"d/b", b"d/e", b"d/e/a", b"f", b"f/a", b"f/d"]
ODD_NAMES = [
    *(
        b"a/",
        b"d/",
        b"d/.",
        b"d/..",
        b"d/e/..",
        b"d/e/../a",
        b"a//b",
        b"d//a",
        b"no/where",
        b"d/e/../../a",
    ),
    *(b"\xff\xfe", "e\u0301".encode(), "\u00e9".encode(), b"A", b" ", b"\n", b".hidden", b"a~"),
]
LONG = {-1: b"n" * 255, -2: b"n" * 256, -3: b"d/" + b"n" * 255, -4: b"x/" * 2048}
SPECIAL = [
    stat.S_IFREG,
    stat.S_IFREG,
    stat.S_IFSOCK,
    stat.S_IFIFO,
    stat.S_IFCHR,
    stat.S_IFBLK,
    stat.S_IFDIR,
]

# A number stands for one of the paths that are there, a negative one for a long one.
present = st.integers(0, 30)
paths = st.one_of(
    present, present, st.sampled_from(NAMES), st.sampled_from([*NAMES, *ODD_NAMES, *LONG])
)
slots = st.integers(0, 3)
modes = st.sampled_from(
    [0o755, 0o644, 0o600, 0o777, 0o000, 0o444, 0o555, 0o4755, 0o2755, 0o1777, 0o2775, 0o6777]
)
owners = st.sampled_from([-1, 0, USER, GROUPS[0]])
sizes = st.sampled_from([0, 1, 10, 100, 511, 4095, 4096, 4097, 10_000, 40_000, 131_073])
seeds = st.integers(0, 200)
times = st.one_of(st.none(), st.tuples(st.sampled_from(SET_TIMES), st.sampled_from(SET_TIMES)))
set_times = st.tuples(st.sampled_from(SET_TIMES), st.sampled_from(SET_TIMES))
attributes = st.sampled_from(
    ["user.a", "user.b", "user.", "trusted.t", "nothing", "user." + "n" * 250, "user." + "n" * 251]
)
values = st.sampled_from([b"", b"x", b"value" * 30])
extra = st.sampled_from(
    [os.O_TRUNC, os.O_APPEND, os.O_EXCL, os.O_DIRECTORY, os.O_NOFOLLOW, os.O_SYNC, os.O_PATH]
)
flags = st.builds(
    lambda way, create, others: way | create | (others[0] if others else 0),
    st.sampled_from([os.O_RDWR, os.O_RDWR, os.O_RDONLY, os.O_WRONLY]),
    st.sampled_from([os.O_CREAT, 0]),
    st.lists(extra, max_size=1),
)
locks = st.sampled_from([fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN])
inside = st.sampled_from(["mkdir", "unlink", "rmdir", "create", "rename", "list", "stat"])

ARGUMENTS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "mkdir": (paths, modes),
    "rmdir": (paths,),
    "unlink": (paths,),
    "rename": (paths, paths),
    "rename_no_replace": (paths, paths),
    "exchange": (paths, paths),
    "rename_both_flags": (paths, paths),
    "link": (paths, paths),
    "link_open": (slots, paths),
    "symlink": (paths, st.sampled_from([*NAMES, b"../a", b"d/..", b"gone", b"l" * 4095])),
    "readlink": (paths,),
    "mkfifo": (paths, modes),
    "mknod": (paths, st.sampled_from(SPECIAL), modes),
    "listdir": (paths,),
    "scandir": (paths,),
    "in_folder": (slots, paths, inside),
    "chmod": (paths, modes),
    "chown": (paths, owners, owners),
    "lchown": (paths, owners, owners),
    "utime": (paths, times),
    "lutime": (paths, set_times),
    "utime_in_part": (paths, st.sampled_from(["mtime", "atime", "mtime now", "none"])),
    "access": (paths, st.integers(0, 7)),
    "stat_path": (paths,),
    "lstat_path": (paths,),
    "statvfs": (paths,),
    "setxattr": (
        paths,
        attributes,
        values,
        st.sampled_from([0, os.XATTR_CREATE, os.XATTR_REPLACE]),
    ),
    "getxattr": (paths, attributes),
    "listxattr": (paths,),
    "removexattr": (paths, attributes),
    "truncate": (paths, st.one_of(sizes, st.just(-1))),
    "write_file": (paths, seeds, sizes),
    "read_file": (paths,),
    "save": (paths, seeds, sizes),
    "open_slot": (slots, paths, flags, modes),
    "reopen": (slots, slots, flags.map(lambda each: each & ~(os.O_CREAT | os.O_EXCL))),
    "duplicate": (slots, slots),
    "close": (slots,),
    "read": (slots, sizes),
    "pread": (slots, sizes, sizes),
    "readv": (slots, sizes),
    "write": (slots, seeds, sizes),
    "pwrite": (slots, seeds, sizes, sizes),
    "writev": (slots, seeds, sizes),
    "lseek": (
        slots,
        st.one_of(sizes, st.just(-5)),
        st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]),
    ),
    "ftruncate": (slots, st.one_of(sizes, st.just(-1))),
    "fsync": (slots,),
    "fdatasync": (slots,),
    "fchmod": (slots, modes),
    "fchown": (slots, owners, owners),
    "futime": (slots, times),
    "fstat": (slots,),
    "allocate": (slots, sizes, sizes),
    "copy_range": (slots, slots, sizes, sizes),
    "sendfile": (slots, slots, sizes),
    "lock": (slots, locks),
    "lock_range": (slots, locks, sizes, sizes),
    "map_slot": (slots, slots, st.booleans()),
    "unmap": (slots,),
    "map_write": (slots, seeds, sizes),
    "map_read": (slots,),
    "map_sync": (slots,),
    "umask": (st.sampled_from([0o022, 0o077, 0o000, 0o027]),),
}
assert ARGUMENTS.keys() == KINDS.keys()
START: list[tuple[Any, ...]] = [
    *((0, "mkdir", path, 0o777) for path in (b"d", b"d/e", b"f")),
    *(
        (0, "write_file", path, number, 5000)
        for number, path in enumerate([b"a", b"d/a", b"d/e/a", b"f/d"])
    ),
    (0, "open_slot", 0, b"a", os.O_RDWR, 0),
    (0, "open_slot", 1, b"d/a", os.O_RDWR | os.O_APPEND, 0),
    (0, "open_slot", 2, b"d", os.O_RDONLY, 0),
    (0, "map_slot", 0, 0, False),
    (1, "open_slot", 0, b"d/a", os.O_RDWR | os.O_APPEND, 0),
    (1, "open_slot", 1, b"f/d", os.O_RDONLY, 0),
    (1, "map_slot", 0, 0, True),
]
STEPS = 100
OPTIONS = ("--allow-other",) if os.geteuid() == 0 else ()
"""How the drive is mounted: for the other user, too, whom only root can become."""

EVERY = 10
"""Where contents are not read after each step, so that much waits in the kernel, they are after
this many."""


class Ground:
    """Where examples take place, one folder for each on both sides, and the two processes."""

    def __init__(self, local: Path, drive: Path) -> None:
        self.roots = {"local": local, "drive": drive}
        self.workers = [Worker(), Worker()]
        self.steps = 0
        self.left: dict[int, dict[bytes, object]] = {}  # what examples left on the drive
        self.history: dict[int, list[str]] = {}  # their steps and what both sides answered
        self._examples = 0

    def begin(self) -> int:
        self._examples += 1
        roots = [os.fsencode(self.roots[side] / str(self._examples)) for side in SIDES]
        for root in roots:
            os.mkdir(root)
            os.chmod(root, 0o777)
        for worker in self.workers:
            worker.ask("begin", roots)
        self.history[self._examples] = []
        return self._examples

    def finish(self, example: int, *, keep: bool) -> None:
        for worker in self.workers:
            worker.ask("let_go")
        if keep:
            self.left[example] = exactly(os.fsencode(self.roots["drive"] / str(example)))
        shutil.rmtree(self.roots["local"] / str(example))

    def remembered(self) -> None:
        """After a new start everything is as it was. Raises AssertionError."""
        for example, before in self.left.items():
            after = exactly(os.fsencode(self.roots["drive"] / str(example)))
            differ = {
                path: (after.get(path), before.get(path)) for path in after.keys() | before.keys()
            }
            differ = {path: pair for path, pair in differ.items() if pair[0] != pair[1]}
            steps = "\n".join(self.history[example])
            assert not differ, f"{steps}\nexample {example}: (now, before) differ in {differ}"
            shutil.rmtree(self.roots["drive"] / str(example))
        self.left.clear()

    def end(self) -> None:
        for worker in self.workers:
            worker.end()


class Differential(RuleBasedStateMachine):
    """One example. ``ground`` is set by whoever runs it."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self._example = self.ground.begin()
        self._steps = 0
        self._after = 0
        self._there: list[bytes] = []
        self._each = True

    @initialize(each=st.booleans(), bare=st.integers(0, 9))
    def begin(self, each: bool, bare: int) -> None:
        """Contents are read after each step, or seldom: reading has the kernel write back what it
        holds. One example in ten begins with nothing, the others with some files, of which some are
        open."""
        self._each = each
        for process, kind, *arguments in START if bare else ():
            self.take(process, kind, tuple(arguments))

    @rule(process=st.integers(0, 1), user=st.sampled_from([0, USER]))
    def become(self, process: int, user: int) -> None:
        if os.geteuid() == 0:
            self.ground.workers[process].ask("become", user)

    def take(self, process: int, kind: str, arguments: tuple[Any, ...]) -> None:
        """One step on both sides, and a look at what it left."""
        given = tuple(
            self._path(each) if of is paths else each
            for of, each in zip(ARGUMENTS[kind], arguments, strict=True)
        )
        (local, drive), self._after = self.ground.workers[process].ask(
            "step", kind, given, self._after
        )
        self.ground.history[self._example].append(f"{process} {kind}{given}: {local!r}")
        assert drive == local, f"{kind}{given}: {drive!r} instead of {local!r}"
        self._steps += 1
        self.ground.steps += 1
        contents = self._each or self._steps % EVERY == 0
        self._look(f"after {kind}{given}", contents=contents)

    def _path(self, chosen: bytes | int) -> bytes:
        if isinstance(chosen, bytes) or not self._there:
            return chosen if isinstance(chosen, bytes) else b"a"
        return LONG.get(chosen) or self._there[chosen % len(self._there)]

    def _look(self, when: str, *, contents: bool) -> None:
        for number, worker in enumerate(self.ground.workers):
            local, drive = worker.ask("look", number == 0, contents)
            differ = {key: (drive.get(key), local.get(key)) for key in drive.keys() | local.keys()}
            differ = {key: pair for key, pair in differ.items() if pair[0] != pair[1]}
            assert not differ, f"{when}: (drive, local) differ in {differ}"
            if number == 0:
                self._there = sorted(key for key in local if isinstance(key, bytes) and key)

    def teardown(self) -> None:
        finished = False
        try:
            self._look("at the end", contents=True)
            finished = True
        finally:
            self.ground.finish(self._example, keep=finished)


def _rule(kind: str) -> object:
    names = [f"x{number}" for number in range(len(ARGUMENTS[kind]))]

    def step(self: Differential, process: int, **given: Any) -> None:
        self.take(process, kind, tuple(given[name] for name in names))

    step.__name__ = step.__qualname__ = kind
    strategies: dict[str, Any] = dict(zip(names, ARGUMENTS[kind], strict=True))
    made: Callable[[Callable[..., None]], object] = rule(process=st.integers(0, 1), **strategies)
    return made(step)


for _kind in ARGUMENTS:
    setattr(Differential, _kind, _rule(_kind))


def explore(ground: Ground, seed: int, examples: int, steps: int) -> None:
    """So many examples of at most so many steps. Raises what differs first, made as short as
    hypothesis can."""
    machine = type("Drive", (Differential,), {"ground": ground})
    chosen = settings(
        max_examples=examples,
        deadline=None,  # it would measure the machine
        stateful_step_count=steps,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=chosen)
