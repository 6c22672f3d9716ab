"""How synchronizations are, on the screen or in a pipe, followed until Ctrl-C."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from syncin_mount.cli.exit_status import exit_for
from syncin_mount.cli.ui import output
from syncin_mount.cli.ui.assistant.keyboard import until_key
from syncin_mount.cli.ui.status_display import block, plain, tell
from syncin_mount.cli.ui.status_table import StatusRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncin_mount.app.runs.status_poller import StatusPoller
    from syncin_mount.config import Configuration, Synchronization

QUIT_KEYS = "qQ"
"""Keys that end it on a terminal."""

LOOK_EVERY = 1.0
"""Seconds between two looks."""

TELL_EVERY = 10.0
"""Seconds between two blocks of text in a pipe, where nothing but the progress of work changed."""


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
                seen = [] if known is None else await looker.look(*known, now)
                rows = [StatusRow.of(each) for each in seen]
                show.show(rows, trouble or looker.trouble, brief=brief, now=now)
                await trio.sleep(LOOK_EVERY)


def watched() -> bool:
    """Whether standard output is a terminal that can be drawn on."""
    return output.on_terminal() and not output.console().is_dumb_terminal


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

        self._live = Live(console=output.console(), auto_refresh=False)

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
