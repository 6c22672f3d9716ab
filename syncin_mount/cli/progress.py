"""Progress of a run for whoever watches a terminal; nothing at all otherwise."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from syncin_mount.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from syncin_mount.control.messages import Progress


class ProgressView:
    """One bar on standard error, taken away at the end. A context manager."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bars: Bars | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 (start-up time)
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
            from rich.progress import Progress as Bars  # noqa: PLC0415

            self._bars = Bars(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[detail]}", markup=False),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()
            self._bar = self._bars.add_task(self._name, total=None, detail="starting")
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, progress: Progress) -> None:
        """Replaces what is shown."""
        if self._bars is None or self._bar is None:
            return
        done, total = _share(progress)
        self._bars.update(self._bar, completed=done, total=total, detail=detail(progress))


def _share(progress: Progress) -> tuple[int, int | None]:
    """How much of how much; bytes where there are any, else actions."""
    if progress.phase == "fetching":
        return progress.fetched, progress.fetched + progress.to_fetch
    if progress.phase != "carrying":
        return 0, None
    if progress.bytes:
        return progress.bytes_done, progress.bytes
    return progress.actions_done, progress.actions or None


def detail(progress: Progress) -> str:
    """The moment in a few words."""
    if progress.phase == "listing":
        return f"listing, {progress.entries} entries"
    if progress.phase == "fetching":
        return f"fetching contents, {progress.to_fetch} left"
    if progress.phase != "carrying":
        return progress.phase
    path = f"  {output.printable(progress.current[0])}" if progress.current else ""
    sizes = f", {output.size(progress.bytes_done)} of {output.size(progress.bytes)}" if progress.bytes else ""
    return f"{progress.actions_done} of {progress.actions}{sizes}{path}"
