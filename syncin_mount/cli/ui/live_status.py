"""How synchronizations are, on the screen or in a pipe: once, or followed until Ctrl-C."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import trio

from syncin_mount.cli.exit_status import exit_for
from syncin_mount.cli.ui import output, status_table
from syncin_mount.cli.ui.assistant.keyboard import until_key
from syncin_mount.cli.ui.json_form import document
from syncin_mount.cli.ui.status_rows import look
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, RenderableType

    from syncin_mount.app.runs.status_poller import StatusPoller
    from syncin_mount.cli.ui.status_table import Line, StatusRow
    from syncin_mount.config import Configuration, Synchronization

QUIT_KEYS = "qQ"
"""Keys that end it on a terminal."""

LOOK_EVERY = 1.0
"""Seconds between two looks."""

TELL_EVERY = 10.0
"""Seconds between two blocks of text in a pipe, where nothing but the progress of work changed."""

_STYLES = {
    mark("online"): "green",
    mark("offline"): "yellow",
    mark("paused"): "yellow",
    mark("halted"): "bold red",
    mark("refused"): "bold red",
    mark("failed"): "bold red",
    mark("error"): "bold red",
    mark("INSECURE"): "bold red",
}


async def watch(
    looker: StatusPoller,
    chosen: Callable[[], tuple[Configuration, Sequence[Synchronization]]],
    *,
    brief: bool,
    as_json: bool,
) -> None:
    """Shows them, and again whenever something changed, until cancelled. ``chosen`` is asked at
    each look: what it raises is shown, below what was known before. On a terminal a key of
    `QUIT_KEYS` ends it."""
    on_screen = not as_json and watched()
    show: Show = _Screen() if on_screen else _Lines(as_json)
    known: tuple[Configuration, Sequence[Synchronization]] | None = None
    async with until_key(QUIT_KEYS if on_screen else ""):
        with show:
            while True:
                trouble = None
                try:
                    known = chosen()
                except Exception as error:  # noqa: BLE001 (it is told; the drives go on, and so does this)
                    trouble = exit_for(error)[1]
                now = time.time()
                seen = [] if known is None else await look(looker, *known, now)
                show.show(seen, trouble or looker.trouble, brief=brief, now=now)
                await trio.sleep(LOOK_EVERY)


def watched() -> bool:
    """Whether standard output is a terminal that can be drawn on."""
    return output.on_terminal() and not _console().is_dumb_terminal


class Show:
    """Where it is shown. A context manager."""

    def __enter__(self) -> None: ...
    def __exit__(self, *exc_info: object) -> None: ...
    def show(self, seen: list[StatusRow], trouble: str | None, *, brief: bool, now: float) -> None:
        """Replaces what was shown before."""
        raise NotImplementedError


class _Screen(Show):
    """One place on the terminal; the last state stays there."""

    def __init__(self) -> None:
        from rich.live import Live  # noqa: PLC0415 (start-up time)

        self._live = Live(console=_console(), auto_refresh=False)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *exc_info: object) -> None:
        self._live.stop()

    def show(self, seen: list[StatusRow], trouble: str | None, *, brief: bool, now: float) -> None:
        self._live.update(block(seen, trouble, brief=brief, now=now), refresh=True)


class _Lines(Show):
    """One block, or one JSON document a line, for each change."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._before: object = None
        self._urgent: object = None
        self._told = 0.0

    def show(self, seen: list[StatusRow], trouble: str | None, *, brief: bool, now: float) -> None:
        key = ([each.key for each in seen], trouble)
        if key == self._before:
            return
        urgent = ([each.urgent for each in seen], trouble)
        if not self._json and urgent == self._urgent and 0 <= now - self._told < TELL_EVERY:
            return
        first, self._before, self._urgent, self._told = self._before is None, key, urgent, now
        if self._json:
            output.json_line([plain(each) for each in seen])
            return
        if not first:
            output.say()
        output.say(output.moment(now))
        tell(seen, trouble, brief=brief, now=now)


def plain(seen: StatusRow) -> dict[str, Any]:
    """All that is known, for JSON."""
    found: dict[str, Any] = {"name": seen.configured.name, "mounted": False}
    if seen.status is not None:
        found |= document(seen.status)
    return found | {
        "enabled": seen.configured.enabled,
        "supervised": seen.supervised,
        "error": seen.error,
        "tls_verified": seen.unverified is None,
    }


def tell(seen: list[StatusRow], trouble: str | None, *, brief: bool, now: float) -> None:
    """Shows it once, as a terminal or a pipe has it."""
    if seen and output.on_terminal():
        _console().print(block(seen, trouble, brief=brief, now=now))
        return
    headings = status_table.columns(seen)
    output.emit_table(
        headings,
        [status_table.row(each, headings, now) for each in seen],
        empty=t(status_table.EMPTY),
    )
    for line in _all_lines(seen, trouble, brief=brief):
        kind = f"{t(line.kind)}: " if line.kind else ""
        output.say(output.printable(f"{line.name}: {kind}{line.text}"))


def block(seen: list[StatusRow], trouble: str | None, *, brief: bool, now: float) -> RenderableType:
    """The table, and below it what there is to say of each; names and texts are shown as they are,
    escapes as such."""
    from rich.console import Group  # noqa: PLC0415 (start-up time)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not seen:
        return Text("\n".join([t(status_table.EMPTY), *([trouble] if trouble else [])]))

    styles = {t(word): style for word, style in _STYLES.items()}

    def cell(text: str) -> Text:
        return Text(output.printable(text), style=styles.get(text, ""))

    headings = status_table.columns(seen)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(
            t(heading),
            overflow="fold",
            no_wrap=heading in {"DRIVE", "SERVER", "LAST RUN", "NEXT RUN"},
        )
    for each in seen:
        table.add_row(*map(cell, status_table.row(each, headings, now)))
    lines = _all_lines(seen, trouble, brief=brief)
    if not lines:
        return table
    below = Table.grid(padding=(0, 2, 0, 0))
    below.add_column(overflow="fold", max_width=16)
    below.add_column(no_wrap=True)
    below.add_column(overflow="fold", ratio=1)
    for line in lines:
        below.add_row(cell(line.name), cell(t(line.kind)), Text(output.printable(line.text)))
    return Group(table, Text(), below)


def _all_lines(seen: list[StatusRow], trouble: str | None, *, brief: bool) -> list[Line]:
    found = [line for each in seen for line in status_table.lines(each, brief=brief)]
    return [*found, *([status_table.Line("up", "error", trouble)] if trouble else [])]


def _console() -> Console:
    return output.console()
