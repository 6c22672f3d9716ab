"""Seeded damage of a replica, and what must hold of each case.

Somebody (the disk, another program) changes one thing in a replica that nobody has open: flips a
bit, zeroes a range, cuts a tail, appends, removes, or puts another file in its place. Then:

* a start heals it, or refuses with a sentence that names ``check --repair``; it ends neither by a
  signal nor otherwise;
* after that, ``check --repair`` leaves a sound replica in which every content is that some other
  file still has;
* what nobody told of (start, check, repair, check --contents) has changed nothing.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.model import Kind
from syncin_mount.app.messages import sentence
from syncin_mount.store import Replica, ReplicaError, check
from syncin_mount.store.maintenance.content_check import look_at_contents
from syncin_mount.store.maintenance.repair import repair
from tests.damage.scene import STATES, build
from tests.store.support import read, tree

WEIGHTS = {
    "journal": 5,
    "index": 5,
    "objects": 4,
    "bin": 2,
    "history.sqlite": 1,
    "recorded": 1,
    "running": 1,
    "format": 1,
    "lock": 1,
    "reserve": 1,
    "incoming": 1,
    "patrol": 1,
    "folder": 1,
}


@dataclass(frozen=True)
class Original:
    """A replica to be damaged, and what an undamaged start makes of it. ``going`` are the objects
    that a start removes, as the index says that newer ones took their place."""

    folder: Path
    tree: dict[str, bytes | None]
    contents: frozenset[bytes]
    unsent: frozenset[bytes]
    going: frozenset[str]


@dataclass
class Damage:
    """What was done: ``hurt`` are the contents of which the bytes themselves were damaged."""

    text: str
    hurt: set[bytes] = field(default_factory=set)


def originals(place: Path) -> list[Original]:
    """One replica for each way in which a process ends."""
    found = []
    for state in STATES:
        folder = place / state / "docs"
        build(folder, state)
        copy = copied(folder, place / f"{state}-control" / "docs")
        replica = Replica.open(copy)
        held, sent_not = contents(replica), unsent(replica)
        going = frozenset(objects(folder) - objects(copy))
        found.append(Original(folder, dict(tree(replica)), held, sent_not, going))
        replica.close()
    return found


def contents(replica: Replica) -> frozenset[bytes]:
    """Every content that is not empty, in the tree and in the bin."""
    replica.commit()
    found = [content for _, content in tree(replica)] + [
        data for _, data in files(replica.folder / "bin")
    ]
    return frozenset(content for content in found if content)


def unsent(replica: Replica) -> frozenset[bytes]:
    """What the server does not have."""
    return frozenset(
        read(replica, dirty.node)
        for dirty in replica.dirty()
        if (local := replica.local(dirty.node)) is not None
        and local.kind is Kind.FILE
        and local.size
    )


def objects(folder: Path) -> set[str]:
    """Every object's path in the replica."""
    return {str(path.relative_to(folder)) for path, _ in files(folder / "objects")}


def files(top: Path) -> list[tuple[Path, bytes]]:
    paths = [
        path
        for path in top.rglob("*")
        if path.is_file() and not path.is_symlink() and path.suffix != ".json"
    ]
    return [(path, path.read_bytes()) for path in paths]


def copied(folder: Path, target: Path) -> Path:
    """A copy; contents, which nobody writes to, share their bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)

    def take(source: str, to: str) -> None:
        if "/objects/" in source or "/bin/" in source:
            os.link(source, to)
        else:
            shutil.copy2(source, to)

    shutil.copytree(folder, target, copy_function=take, symlinks=True)
    return target


# damage -------------------------------------------------------------------------------------------


def change(path: Path, data: bytes) -> None:
    """Another file of these bytes and the same time in its place: the original shares the bytes."""
    before = path.stat()
    path.unlink()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def zero(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) + 1)
    end = min(len(data), start + chance.choice([1, 8, 100, 512, 4096, 20_000]))
    data[start:end] = bytes(end - start)


def cut(data: bytearray, chance: random.Random) -> None:
    del data[
        chance.choice([0, chance.randrange(len(data) + 1), max(len(data) - 1, 0), len(data) // 2]) :
    ]


def grow(data: bytearray, chance: random.Random) -> None:
    data += chance.choice(
        [bytes(chance.randrange(1, 5000)), chance.randbytes(chance.randrange(1, 500))]
    )


WAYS: dict[str, Callable[[bytearray, random.Random], None]] = {
    "flip": flip,
    "zero": zero,
    "cut": cut,
    "grow": grow,
}


def damage(folder: Path, chance: random.Random, going: frozenset[str] = frozenset()) -> Damage:
    """Damages one thing. What is swapped to where a start removes an object is hurt by that."""
    kinds = [kind for kind in WEIGHTS if (folder / kind).exists() or kind == "folder"]
    [kind] = chance.choices(kinds, [WEIGHTS[each] for each in kinds])
    if kind == "folder":
        top = folder / chance.choice(
            ["index", "journal", "incoming", "bin", "objects/07", "objects/0a"]
        )
        hurt = {data for _, data in files(top)}
        shutil.rmtree(top, ignore_errors=True)
        return Damage(f"folder {top.relative_to(folder)} removed", hurt)
    top = folder / kind
    within = top.rglob("*") if top.is_dir() else [top]
    paths = sorted(each for each in within if each.is_file() and not each.is_symlink())
    if not paths:
        return Damage(f"{kind} is empty")
    path = chance.choice(paths)
    name, before = path.relative_to(folder), path.read_bytes()
    way = chance.choice([*WAYS, "flip", "flip", "remove", "swap"])
    is_content = kind == "objects" or (kind == "bin" and path.suffix != ".json")
    hurt = {before} if is_content else set()
    if way == "remove":
        path.unlink()
        return Damage(f"{name} removed", hurt)
    if way == "swap":
        other = chance.choice(paths)
        theirs = other.read_bytes()
        change(path, theirs)
        change(other, before)
        where = other.relative_to(folder)
        lying = {str(name): theirs, str(where): before}
        hurt = {theirs} & hurt | {data for at, data in lying.items() if at in going}
        return Damage(f"{name} and {where} swapped", hurt)
    data = bytearray(before)
    WAYS[way](data, chance)
    change(path, bytes(data))
    return Damage(f"{name}: {way}, {len(before)} bytes before", hurt)


# judging ------------------------------------------------------------------------------------------


def apart(act: Callable[[], Any], place: Path) -> Any:
    """What a child process makes of it: a value that JSON can hold. A signal or an exception is
    text that begins with ``!``. What damage does to LMDB ends the process."""
    answer = place / "answer"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(60)
            answer.write_text(json.dumps(act()))
        except BaseException as error:  # noqa: BLE001 - it is the answer
            answer.write_text(json.dumps(f"!{type(error).__name__}: {error}"))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"!{signal.Signals(os.WTERMSIG(status)).name}"
    return json.loads(answer.read_text())


def may_differ(original: Original, done: Damage) -> bool:
    """Whether the damage is what a power cut leaves, too: events and bytes that were not synced.
    Then contents of another size count as written, and are doubtful
    (docs/internals/recovery.md)."""
    is_cut = original.folder.parent.name == "power cut" or done.text.startswith("running")
    return is_cut and done.text.startswith(("running", "journal", "objects", "folder journal"))


def start(folder: Path) -> str:
    """Empty for a start, else how it refuses."""
    try:
        replica = Replica.open(folder)
    except ReplicaError as error:
        return sentence(error)
    replica.close()
    return ""


def judge(folder: Path, original: Original, done: Damage, *, started: bool) -> str:
    """Repairs, and tells what does not hold; empty when all does."""
    try:
        told = [each.what for each in check(folder)]
    except ReplicaError as error:
        told = [str(error)]
    lying = {data for top in ("objects", "bin") for _, data in files(folder / top)}
    outcome = repair(folder)
    if outcome.left:
        return f"repair leaves {outcome.left[:3]}"
    if repair(folder).said:
        return "a second repair finds something"
    replica = Replica.open(folder)
    told += [*outcome.said, *(each.what for each in look_at_contents(replica, heal=True))]
    holds, names = contents(replica), dict(tree(replica))
    if wrong := check(replica):
        return f"check after repair: {wrong[:3]}"
    replica.close()
    if gone := (original.contents & lying) - holds:
        return f"{len(gone)} contents are nowhere, {[each[:20] for each in gone][:3]}"
    if gone := original.unsent - done.hurt - holds:
        return (
            f"{len(gone)} contents are nowhere since the start, {[each[:20] for each in gone][:3]}"
        )
    if started and not told and names != original.tree and not may_differ(original, done):
        differing = [
            path
            for path in {*names, *original.tree}
            if names.get(path, 0) != original.tree.get(path, 0)
        ]
        return f"nobody tells of {differing[:5]}"
    return ""


def run(seed: int, of: list[Original], place: Path) -> str:
    """One case. Empty when all holds, else what does not."""
    chance = random.Random(seed)
    original = chance.choice(of)
    where = Path(tempfile.mkdtemp(dir=place))
    try:
        folder = copied(original.folder, where / "docs")
        done = damage(folder, chance, original.going)
        said = apart(lambda: start(folder), where)
        if said.startswith("!"):
            wrong = f"the start ends with {said[1:]}"
        elif said and "'syncin-mount check docs --repair'" not in said:
            wrong = f"the start names no way out: {said}"
        else:
            wrong = apart(lambda: judge(folder, original, done, started=not said), where)
        return f"seed {seed}, {original.folder.parent.name}, {done.text}: {wrong}" if wrong else ""
    finally:
        shutil.rmtree(where, ignore_errors=True)
