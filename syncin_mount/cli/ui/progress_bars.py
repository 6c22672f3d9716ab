"""Progress of runs on standard error: on a terminal a place that is drawn again and again and taken
away at the end, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from syncin_mount.cli.exit_status import Exit, exit_of_run
from syncin_mount.cli.ui import output, progress_text
from syncin_mount.language import mark, t, tn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import RenderableType
    from rich.live import Live

    from syncin_mount.app.runs.run_many import Ran
    from syncin_mount.control.messages import Progress

LINE_EVERY = 30.0
"""Seconds between two lines about one run, where no terminal shows it."""

BAR = 24
"""Columns of a bar."""

FILES = 4
"""Files that are shown below the one run that there is."""

_ENDED = {
    Exit.DONE: mark("done"),
    Exit.UNFINISHED: mark("not all is settled"),
    Exit.UNREACHABLE: mark("the server is away"),
    Exit.HALTED: mark("halted"),
    Exit.REFUSED: mark("refused"),
}


class ProgressView:
    """Of runs by their names. A context manager. ``now`` is a clock that only goes forward."""

    def __init__(self, names: Iterable[str], now: Callable[[], float] = time.monotonic) -> None:
        self._names = list(names)
        self._now = now
        self._began = now()
        self._moments: dict[str, Progress] = {}
        self._over: dict[str, Exit] = {}
        self._told: dict[str, float] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.live import Live  # noqa: PLC0415 (start-up time)

            self._live = Live(
                console=output.console(err=True),
                get_renderable=self._drawn,
                transient=True,
                refresh_per_second=5,
            )
            self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, name: str, progress: Progress) -> None:
        """Replaces what is shown of this run."""
        self._moments[name] = progress
        if self._live is not None:
            return
        now = self._now()
        if now - self._told.setdefault(name, now) >= LINE_EVERY:
            self._told[name] = now
            output.warn(f"{name}: {progress_text.line(progress)}")

    def ended(self, ran: Ran) -> None:
        """This run is over."""
        self._over[ran.name] = exit_of_run(ran)

    # drawing --------------------------------------------------------------------------------------
    def _drawn(self) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415 (start-up time)
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=16)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        several = len(self._names) > 1
        for name in self._names:
            table.add_row(Text(output.printable(name)), *self._row(name, several=several))
        if several:
            parts = [
                1.0 if name in self._over else progress_text.part(self._moments.get(name))
                for name in self._names
            ]
            told = progress_text.together(self._moments.values(), len(self._over), len(self._names))
            table.add_row(Text(t("all")), _bar(sum(parts), len(parts)), Text(told))
            return table
        return Group(table, *self._below(self._names[0])) if self._names else table

    def _row(self, name: str, *, several: bool) -> list[RenderableType]:
        from rich.text import Text  # noqa: PLC0415 (start-up time)

        moment, ended = self._moments.get(name), self._over.get(name)
        if ended is not None:
            return [_bar(1, 1), Text(t(_ENDED.get(ended, mark("failed"))))]
        if moment is None:
            return [Text(""), Text(t("waits") if several else t("starting"))]
        done, total = progress_text.share(moment)
        share, pace = progress_text.percent(moment), progress_text.pace(moment)
        told = [share, pace] if total and pace else [share or progress_text.doing(moment)]
        if several:
            told = [share, progress_text.doing(moment), progress_text.amounts(moment)]
        told = [each for each in told if each]
        passed = [] if several else [f"({progress_text.duration(self._now() - self._began)})"]
        return [_bar(done, total), Text("  ".join([", ".join(told), *passed]))]

    def _below(self, name: str) -> list[RenderableType]:
        """The one run's amounts, and the files that are under way, the longest first."""
        from rich.text import Text  # noqa: PLC0415 (start-up time)

        moment = self._moments.get(name)
        if moment is None or name in self._over:
            return []
        amounts, doing = progress_text.amounts(moment), progress_text.doing(moment)
        lines = [f"{doing}: {amounts}" if amounts else doing]
        for each in sorted(moment.transfers, key=lambda each: each.done - each.size)[:FILES]:
            told = progress_text.transfer(each)
            lines.append(
                f"  {progress_text.verb(each)} {output.printable(each.path)}"
                + (f"  {told}" if told else "")
            )
        more = len(moment.transfers) - FILES
        if more > 0:
            lines.append("  " + tn("and {count} more", "and {count} more", more))
        return [Text(each, no_wrap=True, overflow="ellipsis") for each in lines]


def _bar(done: float, total: float | None) -> RenderableType:
    from rich.progress_bar import ProgressBar  # noqa: PLC0415 (start-up time)

    return ProgressBar(total, done, width=BAR, pulse=total is None)
