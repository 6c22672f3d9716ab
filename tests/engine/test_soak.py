"""Ten thousand runs on a schedule, the server away for a day in the middle: all resumes alone, the
schedule keeps its intervals, and neither memory nor descriptors grow."""

from __future__ import annotations

import gc
import itertools
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.engine.clockwork import Drive

EVERY = 300.0
RUNS = 10_000
WARM = 1000
"""Runs after which everything that is kept for good has been made."""
DAY = 86_400.0
OBJECTS = 3000
"""Blocks of Python's memory that may be left of the 9000 runs after ``WARM``; one a run is three
times as much."""
RESIDENT = 8 << 20
"""Bytes that the process may be bigger by, in whatever memory: 900 a run."""


class Watch:
    """What the process holds: blocks of Python's memory, resident bytes, open files."""

    def __init__(self) -> None:
        self._first = self._look()

    @staticmethod
    def _look() -> tuple[int, int, int]:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return (
            sys.getallocatedblocks(),
            pages * os.sysconf("SC_PAGESIZE"),
            len(os.listdir("/proc/self/fd")),
        )

    def growth(self) -> list[int]:
        return [now - first for now, first in zip(self._look(), self._first, strict=True)]


@pytest.mark.timeout(300)  # some 20 s with a core to itself
async def test_ten_thousand_runs(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    drive = Drive(tmp_path / "replica", nursery, every=EVERY)
    drive.put("theirs", b"0")
    await drive.start()
    watch = await _live(drive)
    objects, resident, files = watch.growth()
    runs = _first_listings(drive.server.listings)
    assert len(runs) >= RUNS
    gaps = [after - before for before, after in itertools.pairwise(runs)]
    [away] = [gap for gap in gaps if gap > EVERY + 5]
    assert DAY <= away <= DAY + EVERY + 120
    odd = [(number, gap) for number, gap in enumerate(gaps) if gap != away and abs(gap - EVERY) > 5]
    assert not odd
    assert drive.disk.tree() == {"theirs": drive.read("theirs"), "mine": drive.read("mine")}
    assert not list(drive.replica.local_changes.pending())
    assert files <= 0
    assert objects < OBJECTS, f"{objects} objects are left of {len(runs) - WARM} runs"
    assert resident < RESIDENT
    await drive.stop()


def _first_listings(listings: Iterable[float]) -> list[float]:
    """When each run began, in seconds. A run lists again at once where a change came between its
    listing and its plan, which a worker thread makes while the simulated clock goes on."""
    runs: list[float] = []
    for began in listings:
        if not runs or began - runs[-1] > EVERY / 10:
            runs.append(began)
    return runs


async def _live(drive: Drive) -> Watch:
    """Somebody changes something on either side before every tenth run."""
    watch, runs = None, 0
    while runs < RUNS:
        if runs == WARM:
            watch = Watch()
        if runs == RUNS // 2:
            drive.offline = True
            await trio.sleep(DAY)
            assert drive.engine.status().online is False
            drive.offline = False
        if runs % 10 == 0:
            drive.write("mine", b"%d" % runs)
            drive.put("theirs", b"%d" % runs)
        await trio.sleep(EVERY)
        runs += 1
    await trio.sleep(EVERY)
    assert watch is not None
    return watch
