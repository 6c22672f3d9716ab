"""``check --repair``: a damaged replica becomes a sound one, and every byte of its contents stays.

Nothing that is there is changed until a new index is complete and on the disk (``index.new``): it
is made of what can be read of the old index and journal (``salvage``) and of the files there are
(``mending``). Then, in this order, the file ``repairing`` says so with the number of the repair,
the old journal and the old index go to ``damaged/<number>``, the new index takes its place, and
``repairing`` goes. A stop before that file leaves everything as it was; one after it is taken up by
the next start. What is to happen to contents is in the new index as effects, which a start does.
``damaged`` is never removed by the program.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import lmdb

from reconciler.phrases import Phrase
from syncin_mount import system
from syncin_mount.store import atomic_file, format_version, lock
from syncin_mount.store.content.objects import FANOUT, Objects
from syncin_mount.store.errors import NewerFormat, ReplicaError
from syncin_mount.store.index.environment import MAP_SIZE
from syncin_mount.store.index.index import Index
from syncin_mount.store.index.lmdb_errors import as_os_error
from syncin_mount.store.maintenance.check import Problem, check
from syncin_mount.store.records import FORMAT
from syncin_mount.store.recovery import salvage
from syncin_mount.store.recovery.consistency import compare
from syncin_mount.store.recovery.rebuild import IndexRebuilder
from syncin_mount.store.recovery.repair_swap import REPAIRING, finish_repair
from syncin_mount.store.recovery.set_aside import SetAside

NEW: Final = "index.new"
LEAP: Final = 1 << 20
"""Numbers that are left out after a loss, so that none of those that were given meanwhile is given
again."""


@dataclass(slots=True)
class Repaired:
    """``said`` is what was wrong and what became of it, a clause each; nothing when all was well.
    ``aside`` is where the damaged files lie. ``bases_ended``: the next run is a first one. ``left``
    is what is still wrong."""

    said: list[str] = field(default_factory=list)
    aside: Path | None = None
    bases_ended: bool = False
    left: list[Problem] = field(default_factory=list)


def repair(folder: Path, *, now_ns: Callable[[], int] = time.time_ns) -> Repaired:
    """Raises ReplicaInUse, NewerFormat, ReplicaError for what is no replica, and OSError (ENOSPC:
    nothing was changed). Blocks; reads everything."""
    done = Repaired()
    if not _is_sound(folder, done):
        _rebuild(folder, done, now_ns())
        done.left = check(folder)
    return done


def _is_sound(folder: Path, done: Repaired) -> bool:
    """Whether the form is right, and then, the replica being opened and recovered for it, the
    rest."""
    _state_format(folder, done)
    lock_fd = lock.take_lock(folder)
    try:
        finish_repair(folder)
        done.said += salvage.faults(folder)
        done.said += _make_folders(folder)
        if not done.said and not _was_power_cut(folder):
            done.said += _unlike_files(folder)
    finally:
        os.close(lock_fd)
    if done.said:
        return False
    try:
        problems = check(folder)
    except ReplicaError as error:
        said = str(error)
        done.said.append(said.rstrip(".") if said.endswith(".") else said)  # a Phrase stays one
        return False
    done.said += [str(each) for each in problems]
    return not problems


def _unlike_files(folder: Path) -> list[str]:
    """What ``check`` finds in a copy of the index, before anything is done that a wrong record may
    ask for."""
    with _new_index(folder) as index:
        found = salvage.salvage(folder, index, power_cut=False)
        objects = Objects(folder)
        # What was about to be recorded when the process was killed is put right by every start.
        problems = [str(each) for each in compare(index, objects, next_number=index.applied + 1)]
    shutil.rmtree(folder / NEW)
    return found.said + problems


@contextlib.contextmanager
def _new_index(folder: Path) -> Iterator[Index]:
    """An empty one beside the old, big enough for all that is in that. Raises OSError (ENOSPC)."""
    new = folder / NEW
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    index = Index(new, salvage.map_size(folder / "index" / salvage.DATA, MAP_SIZE))
    try:
        yield index
    except lmdb.Error as error:
        raise as_os_error(error) from error
    finally:
        index.close()


def _state_format(folder: Path, done: Repaired) -> None:
    """A replica whose format number is lost is taken for one of the present format. Raises
    NewerFormat and, for what is no replica, ReplicaError."""
    try:
        format_version.prepare_folder(folder)
    except ReplicaError as error:
        if isinstance(error, NewerFormat) and not format_version.is_flipped(folder):
            raise
        if not (folder / "objects").is_dir() and not (folder / "index").is_dir():
            raise
        done.said.append(Phrase("the file 'format' was damaged or missing"))
        atomic_file.write_whole(folder / "format", f"{FORMAT}\n")


def _make_folders(folder: Path) -> list[str]:
    missing = [
        name
        for name in ("index", "journal", "objects", "incoming", "bin")
        if not (folder / name).is_dir()
    ]
    objects = Objects(folder)
    objects.make_folders()
    for number in range(FANOUT):
        if not os.path.isdir(objects.folder(number)):
            missing.append(f"objects/{number:02x}")
            Path(objects.folder(number)).mkdir(mode=0o700)
    return [Phrase("the folder '{name}' is missing", name=name) for name in missing]


def _rebuild(folder: Path, done: Repaired, now: int) -> None:
    lock_fd = lock.take_lock(folder)
    try:
        with _new_index(folder) as index:
            number = _fill(folder, index, done, now)
        system.sync_folder(folder / NEW)
        atomic_file.write_whole(folder / REPAIRING, f"{number}\n")
        finish_repair(folder)
        done.aside = folder / "damaged" / str(number)
        SetAside(folder).move_to(done.aside)
    finally:
        os.close(lock_fd)


def _fill(folder: Path, index: Index, done: Repaired, now: int) -> int:
    """Makes the new index; the repair's number."""
    objects = Objects(folder)
    power_cut = _was_power_cut(folder)
    found = salvage.salvage(folder, index, power_cut=power_cut)
    done.said += [each for each in found.said if each not in done.said]
    number = 1 + max([found.last, *objects.numbers()]) + (LEAP if found.lost else 0)
    mending = IndexRebuilder(index, objects, now=now, number=number, lost=found.lost)
    done.bases_ended = not mending.mend(owner=system.OWNER)
    done.said += [each for each in mending.said if each not in done.said]
    index.commit()
    return mending.number


def _was_power_cut(folder: Path) -> bool:
    running = folder / "running"
    return running.exists() and running.read_text(errors="replace").strip() != system.boot_id()
