"""Progress of runs for whoever watches a terminal; nothing at all otherwise."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from syncin_mount.cli.exit_status import Exit
from syncin_mount.cli.ui import output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from syncin_mount.control.messages import Progress

_ENDED = {
    Exit.DONE: "done",
    Exit.UNFINISHED: "not all is settled",
    Exit.UNREACHABLE: "the server is away",
    Exit.HALTED: "halted",
    Exit.REFUSED: "refused",
}

_COMPARES = {
    "checksums": "the server counts checksums",
    "comparing": "comparing contents",
}


class ProgressView:
    """A line on standard error for each run, and one for all of them when there are several; taken
    away at the end. A context manager."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._moments: dict[str, Progress] = {}
        self._over: set[str] = set()
        self._bars: Bars | None = None
        self._lines: dict[str, TaskID] = {}
        self._total: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bars = _bars()
            self._bars.start()
            several = len(self._names) > 1
            for name in self._names:
                line = self._bars.add_task(
                    output.printable(name),
                    total=None,
                    start=not several,
                    detail="waits" if several else "starting",
                )
                self._lines[name] = line
            if several:
                self._total = self._bars.add_task("all", total=len(self._names), detail="")
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, name: str, progress: Progress) -> None:
        """Replaces what is shown of this run."""
        if self._bars is None:
            return
        if name not in self._moments:
            self._bars.start_task(self._lines[name])
        self._moments[name] = progress
        done, total = share(progress)
        self._bars.update(self._lines[name], completed=done, total=total, detail=detail(progress))
        self._sum()

    def ended(self, name: str, status: Exit) -> None:
        """This run is over."""
        self._over.add(name)
        if self._bars is None:
            return
        line = self._lines[name]
        self._bars.update(line, completed=1, total=1, detail=_ENDED.get(status, "failed"))
        self._bars.stop_task(line)
        self._sum()

    def _sum(self) -> None:
        if self._bars is not None and self._total is not None:
            parts = [
                1.0 if name in self._over else part(self._moments.get(name)) for name in self._names
            ]
            self._bars.update(
                self._total,
                completed=sum(parts),
                detail=together(self._moments.values(), *self._count()),
            )

    def _count(self) -> tuple[int, int]:
        return len(self._over), len(self._names)


def _bars() -> Bars:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415

    def text(of: str, ratio: int) -> TextColumn:
        return TextColumn(
            of, markup=False, table_column=Column(ratio=ratio, no_wrap=True, overflow="ellipsis")
        )

    return Bars(
        text("{task.description}", 1),
        BarColumn(bar_width=16),
        text("{task.fields[detail]}", 3),
        TimeElapsedColumn(),
        console=output.console(err=True),
        transient=True,
        expand=True,
    )


def share(progress: Progress) -> tuple[int, int | None]:
    """How much of how much; bytes where there are any, else actions."""
    if progress.phase == "fetching":
        return progress.fetched, progress.fetched + progress.to_fetch
    if progress.phase in _COMPARES:
        return progress.compared, progress.to_compare or None
    if progress.phase != "carrying":
        return 0, None
    if progress.bytes:
        return progress.bytes_done, progress.bytes
    return progress.actions_done, progress.actions or None


def part(progress: Progress | None) -> float:
    """How much of a run is done, from 0 to 1, as far as that is known."""
    if progress is None or progress.phase in _COMPARES:
        return 0.0
    done, total = share(progress)
    return min(done / total, 1.0) if total else 0.0


def together(moments: Iterable[Progress], over: int, runs: int) -> str:
    """Several runs in a few words."""
    known = list(moments)
    done, size = sum(each.bytes_done for each in known), sum(each.bytes for each in known)
    sizes = f", {output.size(done)} of {output.size(size)}" if size else ""
    left = sum(each.to_fetch for each in known)
    fetching = f", {output.count(left, 'content')} to fetch" if left else ""
    return f"{over} of {runs} done{sizes}{fetching}"


def detail(progress: Progress) -> str:
    """The moment in a few words."""
    if progress.phase == "listing":
        return f"listing, {progress.entries} entries"
    if progress.phase == "fetching":
        return f"fetching contents, {progress.to_fetch} left"
    if progress.phase in _COMPARES:
        return f"{_COMPARES[progress.phase]}, {progress.compared} of {progress.to_compare}"
    if progress.phase != "carrying":
        return progress.phase
    path = f"  {output.printable(progress.current[0])}" if progress.current else ""
    sizes = (
        f", {output.size(progress.bytes_done)} of {output.size(progress.bytes)}"
        if progress.bytes
        else ""
    )
    return f"{progress.actions_done} of {progress.actions}{sizes}{path}"
