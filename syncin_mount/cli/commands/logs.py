"""`logs`: what the drives and the supervisor wrote down."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

import click

from syncin_mount.app.support.log_lines import latest
from syncin_mount.cli.ui import lookup, output
from syncin_mount.control.supervision import NAME as SUPERVISOR
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncin_mount.app.support.log_lines import Line
    from syncin_mount.logs.logfmt import Entry

LOOK_EVERY = 0.3
"""Seconds between looks for new lines."""

_LEVELS = ("debug", "info", "warning", "error")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--follow", "-f", is_flag=True, help="Go on with what is written from now on, until Ctrl-C."
)
@click.option(
    "--level", type=click.Choice(_LEVELS), default="debug", help="Leave out what is less urgent."
)
@click.option(
    "--lines",
    "-n",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="At most so many; 0: all.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")
def command(names: tuple[str, ...], follow: bool, level: str, lines: int, as_json: bool) -> None:
    """Show the latest lines of the logs of synchronizations NAME..., or of all and the
    supervisor's.

    Each synchronization has a file of its own, in the state folder ('show' tells which), of at most
    8 MB with those before it. How much is written: 'settings --log'; or mount with --debug.

    \b
    What went wrong lately:   syncin-mount logs --level warning
    As it happens:            syncin-mount logs docs --follow
    """
    folders, configuration = lookup.load()
    for name in names:
        if name != SUPERVISOR:
            lookup.synchronization_named(configuration, name)
    chosen = list(dict.fromkeys(names)) or [*configuration.synchronizations, SUPERVISOR]
    several = len(chosen) > 1
    files = [folders.log(name) for name in chosen]
    # Where following begins is settled before anything is shown: what is written meanwhile is not
    # lost.
    tails = [Tail(path) for path in files] if follow else []
    shown = latest(files, level, lines)
    for line, entry in shown:
        _tell(line, entry, several=several, as_json=as_json)
    if follow:
        output.run_async(_follow, tails, level, several, as_json)
    elif not shown and not as_json:
        output.say(
            t("nothing is logged yet")
            if level == "debug"
            else t("nothing of level {level} is logged", level=level)
        )


class Tail:
    """What is added to a file from now on, also after it was rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._opened()
        if self._file is not None:
            self._file.seek(0, 2)
        self._part = ""

    def _opened(self) -> TextIO | None:
        try:
            return self._path.open(encoding="utf-8", errors="replace", newline="\n")
        except OSError:
            return None

    def lines(self) -> Iterator[Line]:
        """The whole lines since the last call."""
        from syncin_mount.logs.logfmt import entries  # noqa: PLC0415 (start-up time)

        yield from entries(self._added())
        if self._moved():
            self._file, self._part = self._opened(), ""
            yield from entries(self._added())

    def _added(self) -> list[str]:
        text = self._part + (self._file.read() if self._file is not None else "")
        *whole, self._part = text.split("\n")
        return whole

    def _moved(self) -> bool:
        try:
            return self._file is None or not os.path.samestat(
                self._path.stat(), os.fstat(self._file.fileno())
            )
        except OSError:
            return False


async def _follow(tails: list[Tail], level: str, several: bool, as_json: bool) -> None:
    import trio  # noqa: PLC0415 (start-up time)

    from syncin_mount.logs.logfmt import at_least  # noqa: PLC0415

    while True:
        for tail in tails:
            for line, entry in tail.lines():
                if entry is None or at_least(entry.level, level):
                    _tell(line, entry, several=several, as_json=as_json)
        await trio.sleep(LOOK_EVERY)


def _tell(line: str, entry: Entry | None, *, several: bool, as_json: bool) -> None:
    if as_json:
        output.json_line(_plain(line, entry))
        return
    if entry is None:
        output.say(output.printable(line))
        return
    whose = f"{entry.sync}: " if several else ""
    urgent = "" if entry.level == "info" else f"{entry.level.upper()} "
    more = "".join(f" {key}={value}" for key, value in entry.fields.items() if key != "error")
    output.say(
        f"{output.moment(entry.time.timestamp())}"
        f" {urgent}{output.printable(whose + entry.msg + more)}"
    )
    for each in entry.fields.get("error", "").splitlines():
        output.say("    " + output.printable(each))


def _plain(line: str, entry: Entry | None) -> dict[str, str | float]:
    if entry is None:
        return {"msg": line}
    known: dict[str, str | float] = {
        "time": entry.time.timestamp(),
        "level": entry.level,
        "name": entry.sync,
        "from": entry.source,
    }
    return {**known, "msg": entry.msg, **entry.fields}
