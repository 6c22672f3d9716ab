"""Every fault of the table in docs/reference/faults.md, at every moment, for every kind of action.

A fault acts on all requests of one kind until it is cleared. What the run makes of it is written in
`EXPECTED`, row by row as in the table; after it is cleared, one run makes both sides equal, and no
version is lost.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import trio

from reconciler.errors import Unavailable
from reconciler.reporting.report import Report
from syncin_mount.devserver import CutRequest, CutResponse, Moment, Reply, Rule, Stall
from syncin_mount.devserver.faults import Effect
from syncin_mount.remote.http.transport import Timeouts
from tests.engine import world as worlds
from tests.engine.world import Device, World

OLD, LATER = 1_600_000_000, 1_650_000_000
IMPATIENT = Timeouts(connect=5.0, idle=1.0, slow=1.0, hashing=1.0)
FIXED = ("edit.txt", "move.txt", "touch.txt", "gone.txt", "stays.txt")


class Seen(enum.Enum):
    """What the table says of a run under a fault."""

    BROKEN = "the run ends, and says why; what can be sent without a listing goes on"
    LOG_IN = "the log-in is refused: the run ends, and says what to do"
    REFUSED = "a lasting problem of this file alone"
    WAITS = "a passing problem of this file alone"
    AGAIN = "planned again, then a passing problem of this file alone"
    LISTED = "listed again at once; denied again, a lasting problem of this file alone"
    DONE = "done in this run"
    RUN_REFUSED = "the run ends with the server's reason"
    HALTED = "the run halts"


@dataclass(frozen=True)
class Act:
    """Something that happens on a side, and the request by which it would cross. ``paths`` may show
    as a problem."""

    do: Callable[[World, Device], object]
    method: str
    path: str
    paths: frozenset[str]
    versions: tuple[bytes, ...] = ()
    body: bool = True


def _act(
    do: Callable[[World, Device], object], request: str, *versions: bytes, body: bool = True
) -> Act:
    method, path = request.split()
    name = path.rpartition("/")[2]
    return Act(
        do,
        method,
        path,
        frozenset({name, "moved.txt"} if method == "MOVE" else {name}),
        versions,
        body,
    )


def _touch(_world: World, device: Device) -> None:
    device.replica.set_attr(device.node("touch.txt"), mtime_ns=LATER * 10**9)


def _both_new(world: World, device: Device) -> None:
    device.write("new.txt", b"new here")
    world.put("there.txt", b"made there")


ACTS = {
    "make": _act(lambda w, d: d.mkdir("folder"), "POST */make/*/folder"),
    "send new": _act(lambda w, d: d.write("new.txt", b"new here"), "POST */new.txt", b"new here"),
    "send edit": _act(
        lambda w, d: d.write("edit.txt", b"edited here"), "PUT */edit.txt", b"edited here"
    ),
    "look": _act(
        lambda w, d: d.write("edit.txt", b"edited here"),
        "HEAD */edit.txt",
        b"edited here",
        body=False,
    ),
    "move": _act(lambda w, d: d.rename("move.txt", "moved.txt"), "MOVE */move.txt"),
    "touch": _act(_touch, "PROPPATCH */touch.txt"),
    "delete": _act(lambda w, d: d.unlink("gone.txt"), "DELETE */gone.txt", body=False),
    "fetch new": _act(
        lambda w, d: w.put("there.txt", b"made there"), "GET */there.txt", b"made there", body=False
    ),
    "fetch edit": _act(
        lambda w, d: w.put("edit.txt", b"edited there"),
        "GET */edit.txt",
        b"edited there",
        body=False,
    ),
    "listing": _act(_both_new, "POST */diff/*", b"new here", b"made there"),
}

HTML = "<!DOCTYPE html><html><body>Please log in to this network</body></html>"
HTML_TYPE = "text/html; charset=utf-8"
STATUSES = (401, 403, 404, 405, 413, 423, 431, 500, 502, 503, 504, 507)


def _faults() -> dict[str, Effect]:
    both = (Moment.BEFORE, Moment.AFTER)
    found: dict[str, Effect] = {f"{s} {m}": Reply(s, moment=m) for s in STATUSES for m in both}
    found |= {f"html {s} {m}": Reply(s, HTML, HTML_TYPE, m) for s in (200, 404, 502) for m in both}
    found |= {
        "cut before": CutRequest(0),
        "cut request": CutRequest(4),
        "cut after": CutResponse(0),
    }
    found |= {"cut during": CutResponse(3)}
    return found | {f"stall {moment}": Stall(moment) for moment in Moment}


FAULTS = _faults()

# What the table says, by status; "*" is every action that has no word of its own.
EXPECTED: dict[str, dict[str, Seen]] = {
    "401": {"*": Seen.REFUSED, "listing": Seen.LOG_IN},
    "403": {"*": Seen.REFUSED, "listing": Seen.RUN_REFUSED},
    # Done and denied: the next plan of the same run sees that it is there. A deletion denied so is
    # taken as done.
    "404 before": {"*": Seen.AGAIN, "fetch new": Seen.LISTED, "listing": Seen.HALTED},
    "404 after": {"*": Seen.DONE},
    "405 before": {"*": Seen.AGAIN, "fetch new": Seen.REFUSED, "listing": Seen.RUN_REFUSED},
    "405 after": {"*": Seen.DONE},
    "413": {"*": Seen.REFUSED, "listing": Seen.RUN_REFUSED},
    "423": {"*": Seen.WAITS, "fetch new": Seen.REFUSED, "listing": Seen.RUN_REFUSED},
    "431": {"*": Seen.REFUSED, "listing": Seen.RUN_REFUSED},
    "500": {"*": Seen.WAITS, "fetch new": Seen.REFUSED, "listing": Seen.RUN_REFUSED},
    "507": {"*": Seen.WAITS, "fetch new": Seen.REFUSED, "listing": Seen.RUN_REFUSED},
    # The server answers its greeting, so it is this file, whatever the answer to it is.
    "502": {"*": Seen.WAITS, "listing": Seen.BROKEN},
    "503": {"*": Seen.WAITS, "listing": Seen.BROKEN},
    "504": {"*": Seen.WAITS, "listing": Seen.BROKEN},
    "html": {"*": Seen.WAITS, "listing": Seen.BROKEN},
    "cut": {"*": Seen.WAITS, "listing": Seen.BROKEN},
    # An answer whose head says all that is asked is as good as whole when it has no body worth
    # waiting for.
    "cut during": {
        "*": Seen.WAITS,
        "look": Seen.DONE,
        "touch": Seen.DONE,
        "delete": Seen.DONE,
        "listing": Seen.BROKEN,
    },
    "stall": {"*": Seen.WAITS, "listing": Seen.BROKEN},
    "stall during": {
        "*": Seen.WAITS,
        "look": Seen.DONE,
        "touch": Seen.DONE,
        "delete": Seen.DONE,
        "listing": Seen.BROKEN,
    },
}


def expected(fault: str, act: str) -> Seen:
    row = EXPECTED.get(fault) or EXPECTED[fault.split(maxsplit=1)[0]]
    return row.get(act, row["*"])


READING = frozenset({"look", "fetch new", "fetch edit", "listing"})
ALIKE = ("503", "504", "html 404", "html 502")
"""Faults that share their row with another one: they are tried with one action that writes and one
that reads."""


def _is_case(act: str, fault: str) -> bool:
    if fault == "cut request":
        return ACTS[act].body  # else nothing of it is left to be cut
    if act in READING and fault.endswith("after") and not fault.startswith("stall"):
        return False  # the server does nothing that could have been done before
    return act in ("send edit", "fetch edit") or not fault.startswith(ALIKE)


CASES = [(act, fault) for act in ACTS for fault in FAULTS if _is_case(act, fault)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "QUICK", IMPATIENT)


async def begun(world: World) -> Device:
    """A device that agrees with the server on the fixed files. Each has a time of its own: files of
    one size and time cannot be told apart by mode `fast` when a server's disk gives one the inode
    that another had."""
    for number, name in enumerate(FIXED):
        world.put(name, b"old " + name.encode(), mtime=OLD + number)
    device = await world.device()
    assert (await device.sync()).complete
    return device


async def under_fault(device: Device) -> Report:
    """A run and what the background fetches, as far as both get."""
    report = await device.engine.sync()
    try:
        with trio.fail_after(10):
            await device.hydrator.wait_drained()
    except Unavailable:
        assert device.link.online is False
    return report


def check_seen(device: Device, report: Report, act: Act, seen: Seen) -> None:
    """Outcome, and what the status shows at this moment."""
    status = device.engine.status()
    assert status.online is True, status
    assert bool(report.offline) is (seen is Seen.BROKEN), report.offline
    assert bool(status.failed) is (seen in (Seen.BROKEN, Seen.RUN_REFUSED)), (
        "what ended a run is shown"
    )
    assert bool(report.refused) is (seen in (Seen.LOG_IN, Seen.RUN_REFUSED)), report.refused
    assert bool(status.refused) is (seen is Seen.LOG_IN)
    assert bool(report.halted) is (seen is Seen.HALTED), report.halted
    shown = {problem.path: problem.lasting for problem in status.problems}
    if seen in (Seen.REFUSED, Seen.WAITS, Seen.AGAIN, Seen.LISTED):
        assert shown, "nothing is shown"
        assert set(shown) <= act.paths, shown
        assert set(shown.values()) == {seen in (Seen.REFUSED, Seen.LISTED)}
    else:
        assert not shown


def check_untorn(world: World) -> None:
    """Nobody ever sees half of a file on the server."""
    whole = {b"old " + name.encode() for name in FIXED} | {
        b"new here",
        b"edited here",
        b"made there",
        b"edited there",
    }
    contents = {data for data in world.on_disk().values() if data is not None}
    assert contents <= whole, contents - whole


def check_kept(world: World, device: Device, *versions: bytes) -> None:
    """Every version is in a tree or a bin."""
    found = {
        *device.tree().values(),
        *world.on_disk().values(),
        *device.bin().values(),
        *world.trashed().values(),
    }
    assert set(versions) <= found, set(versions) - found


def is_settled(device: Device) -> bool:
    return not list(device.replica.dirty()) and not device.hydrator.waiting


async def recovered(world: World, device: Device) -> None:
    """The fault is over: one run, and both sides are equal."""
    world.faults.clear()
    report = await device.sync()
    assert report.complete, (report, device.engine.status())
    # a deletion that the server denied and did not do comes back
    if device.tree() != world.on_disk():
        report = await device.sync()
    assert device.tree() == world.on_disk()
    assert is_settled(device)
    assert not device.engine.status().problems
    assert not (await device.sync()).outcomes, "it does not come to rest"


@pytest.mark.slow
@pytest.mark.expected_log(
    "refuse|cannot be fetched|failed at|send|move|touch|delete|make|fetch|halted", required=False
)
@pytest.mark.parametrize(("act", "fault"), CASES, ids=[f"{act}: {fault}" for act, fault in CASES])
async def test_the_table_of_faults(world: World, act: str, fault: str) -> None:
    device = await begun(world)
    doing = ACTS[act]
    doing.do(world, device)
    rule = Rule(effect=FAULTS[fault], method=doing.method, path=doing.path)
    world.faults.add(rule)
    report = await under_fault(device)
    if expected(fault, act) is Seen.LISTED:
        report = await under_fault(device)
    assert world.faults.acted(rule), "the fault did not happen"
    check_seen(device, report, doing, expected(fault, act))
    check_untorn(world)
    unmoved = [b"old " + name.encode() for name in FIXED if name != "edit.txt"]
    check_kept_under_fault(world, *unmoved)
    await recovered(world, device)
    check_kept(world, device, *doing.versions, *unmoved)


def check_kept_under_fault(world: World, *versions: bytes) -> None:
    """What the server had and nobody edited it still has, in its tree or its trash."""
    found = {*world.on_disk().values(), *world.trashed().values()}
    assert set(versions) <= found, set(versions) - found
