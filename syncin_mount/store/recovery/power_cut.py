"""After a power cut: what a save replaced, where the save itself did not reach the disk.

A file that is renamed over another ends the other's content, which goes when its successor is on
the disk. If the power fails before that, both are named by the index: the successor, whose bytes
may be anything, and an ``Unlink`` that waits and says whose content it was. A former content that
nobody else has must not go then:

* the successor is torn (another size than recorded, or empty in the middle of being written): the
  latest former content that is whole comes back in its place, and the remains go to the bin;
* the successor has the right size and perhaps other bytes: the former content goes to the bin.

So does every older one, back to the first that was on the disk for sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from reconciler.phrases import Phrase
from syncin_mount.store.content.objects import Objects
from syncin_mount.store.index.index import Index
from syncin_mount.store.journal import events
from syncin_mount.store.records import FromBin, Node, Unlink, decode_effect

REPLACED = Phrase("the computer stopped before what replaced this was on the disk for sure")


@dataclass(frozen=True, slots=True)
class Former:
    """A content that waits to go, the key of its effect, and whether its file has the size that it
    should have."""

    place: bytes
    effect: Unlink
    whole: bool


def recover_overwritten(
    index: Index, objects: Objects, now: int, torn_why: str
) -> list[events.FellBack | events.Spared]:
    """What must be recorded before any effect is done. Looks at files; changes nothing."""
    waiting: dict[int, list[Former]] = {}
    arriving = set()
    for place, raw in index.items("effects"):
        effect = decode_effect(raw)
        if isinstance(effect, FromBin):
            arriving.add((effect.owner, effect.number))
        elif isinstance(effect, Unlink) and effect.successor and effect.size:
            found = objects.stat(effect.owner, effect.number)
            whole = found is not None and found.st_size == effect.size
            waiting.setdefault(effect.successor, []).insert(0, Former(place, effect, whole))
    done: list[events.FellBack | events.Spared] = []
    for node in index.marked(index.unsynced) if waiting else []:
        record, base = index.node(node), index.base(node)
        if record is None or not record.present or (record.owner, record.number) in arriving:
            continue
        if base is None or base.version != record.version:
            size = _size(objects, record)
            seen: set[int] = set()
            formers = chain(_before(waiting, node, seen), _before(waiting, record.owner, seen))
            done += _rescue(node, size, is_torn(record, size), formers, now, torn_why)
    return done


def is_torn(record: Node, size: int) -> bool:
    """Whether ``size`` bytes cannot be what was saved."""
    return size == 0 if record.writing else size != record.size


def _size(objects: Objects, record: Node) -> int:
    found = objects.stat(record.owner, record.number)
    return 0 if found is None else found.st_size


def _before(waiting: dict[int, list[Former]], node: int, seen: set[int]) -> Iterator[Former]:
    """What the node replaced, the latest first, each followed by what it had itself replaced as
    another node's."""
    if node in seen:
        return
    seen.add(node)
    for former in waiting.get(node, []):
        yield former
        yield from _before(waiting, former.effect.owner, seen)


def _rescue(
    node: int, size: int, torn: bool, formers: Iterator[Former], now: int, torn_why: str
) -> Iterator[events.FellBack | events.Spared]:
    for former in formers:
        if not former.effect.is_sole_copy:
            return  # the server has it: what is torn here comes back from there
        if not former.whole:
            continue
        if torn:
            yield events.FellBack(now, node, former.place, size, torn_why)
            torn = False
        else:
            yield events.Spared(now, node, former.place, REPLACED)
        if not former.effect.unsynced:
            return
