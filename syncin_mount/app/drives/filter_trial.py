"""What filters would leave out of a drive's tree, and what would be synchronized again without
some: counted on the tree as it is, before anything is changed.

A trial is a generator of steps, so that whoever drives it decides how it shares its thread: the
daemon between requests of the mount (`in_loop`), or a thread of its own on a local copy that no
daemon has.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from reconciler.model import ROOT, Kind
from reconciler.phrases import Phrase
from syncin_mount.app.drives.views import filter_of
from syncin_mount.config.filters import FilterError
from syncin_mount.control.service import NotDone
from syncin_mount.control.tree_messages import Portion, TreeEntry, TrialExample
from syncin_mount.control.tree_messages import Trial as Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.filters import Filter
    from reconciler.model import Local, NodeId
    from syncin_mount.control.tree_messages import TrialRequest
    from syncin_mount.store import Replica

MOST_EXAMPLES = 200
"""Files and folders that are named: nobody reads more."""

MOST_ENTRIES = 2000
"""Entries of one folder that are told: nobody chooses among more."""

LONGEST_S = 10.0
"""How long a trial looks; what it did not see then is not counted."""

SLICE_S = 0.001
"""The longest step between two requests of a mount."""


@dataclass(slots=True)
class _Counted:
    """A portion that grows."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    pending: int = 0
    examples: list[TrialExample] = field(default_factory=list)

    def add(self, local: Local, path: str, *, top: bool, pending: bool) -> None:
        """One more node; ``top``: the folder around it does not belong to the portion."""
        is_folder = local.kind is Kind.FOLDER
        self.folders += is_folder
        self.files += not is_folder
        self.bytes += 0 if is_folder else local.size
        self.pending += pending
        if top and len(self.examples) < MOST_EXAMPLES:
            self.examples.append(TrialExample(path, is_folder, local.size))

    def portion(self) -> Portion:
        return Portion(self.files, self.folders, self.bytes, self.pending, tuple(self.examples))


class FilterTrial:
    """Compares two filters on a replica's local tree."""

    def __init__(self, replica: Replica, present: Filter, wanted: Filter) -> None:
        self._replica = replica
        self._present, self._wanted = present, wanted
        self._out, self._again = _Counted(), _Counted()
        self._dirty: set[NodeId] = set()
        self._looked = 0
        self._whole = False

    def steps(self) -> Iterator[None]:
        """Looks at one node a step. Folders are looked at level by level, so that what is found
        first is what people see first."""
        for number, dirty in enumerate(self._replica.dirty()):
            self._dirty.add(dirty.node)
            if number % 100 == 99:
                yield
        todo: deque[tuple[NodeId, str, bool, bool]] = deque([(ROOT, "", False, False)])
        while todo:
            folder, above, was_out, is_out = todo.popleft()
            for name, node in self._replica.local_children(folder):
                path = f"{above}{name}"
                local = self._replica.local(node)
                if local is None:
                    continue  # it went meanwhile
                was = was_out or self._present.ignored(path)
                will = is_out or self._wanted.ignored(path)
                if was != will:
                    counted, around = (self._out, is_out) if will else (self._again, was_out)
                    counted.add(local, path, top=not around, pending=node in self._dirty)
                self._looked += 1
                # Below what is left out either way nothing changes.
                if local.kind is Kind.FOLDER and not (was and will):
                    todo.append((node, f"{path}/", was, will))
                yield
        self._whole = True

    def result(self) -> Found:
        """As far as it went."""
        return Found(self._out.portion(), self._again.portion(), self._looked, self._whole)


def trial_of(replica: Replica, request: TrialRequest) -> FilterTrial:
    """The trial that is asked for. Raises NotDone for filters that cannot be."""
    try:
        return FilterTrial(replica, filter_of(request.present), filter_of(request.wanted))
    except FilterError as error:
        raise NotDone(str(error)) from error


async def in_loop(trial: FilterTrial, clock: Callable[[], float] = time.perf_counter) -> Found:
    """Drives it on the replica's own thread, where other tasks run between slices of a millisecond;
    up to `LONGEST_S` seconds by the ``clock``."""
    began = since = clock()
    for _ in trial.steps():
        now = clock()
        if now - began > LONGEST_S:
            break
        if now - since > SLICE_S:
            await trio.lowlevel.checkpoint()
            since = clock()
    await trio.lowlevel.checkpoint()
    return trial.result()


def in_thread(trial: FilterTrial, clock: Callable[[], float] = time.perf_counter) -> Found:
    """Drives it in a thread that trio started, on a replica that nobody else has. Raises
    trio.Cancelled."""
    began = clock()
    for number, _ in enumerate(trial.steps()):
        if number % 500 == 0:
            trio.from_thread.check_cancelled()
            if clock() - began > LONGEST_S:
                break
    return trial.result()


def folder_entries(replica: Replica, path: str) -> list[TreeEntry]:
    """What is in a folder of the local tree, folders first, `MOST_ENTRIES` at most. Raises NotDone
    where there is no such folder."""
    node = ROOT
    for name in filter(None, path.split("/")):
        child = replica.local_child(node, name)
        local = None if child is None else replica.local(child)
        if child is None or local is None or local.kind is not Kind.FOLDER:
            raise NotDone(Phrase("there is no folder '{path}' in the drive any more", path=path))
        node = child
    found = []
    for name, child in replica.local_children(node):
        local = replica.local(child)
        if local is not None:
            found.append(TreeEntry(name, local.kind.value, local.size))
        if len(found) == MOST_ENTRIES:
            break
    return sorted(found, key=lambda each: (each.kind != Kind.FOLDER.value, each.name.casefold()))
