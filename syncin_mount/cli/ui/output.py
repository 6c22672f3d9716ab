"""What commands print: tables for a terminal, plain lines for a pipe, JSON where asked.

The one way to the terminal. Every function takes any text, and lets through what is printable.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from syncin_mount import printable as plain
from syncin_mount.app.messages import quantities
from syncin_mount.cli.ui.json_form import document
from syncin_mount.language import numbers, said, t
from syncin_mount.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console

printable = plain.printable
size = quantities.size

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document.")


def on_terminal() -> bool:
    """Whether somebody watches."""
    return sys.stdout.isatty()


class Guarded(io.TextIOWrapper):
    """A standard stream through which nothing but text comes: whoever writes to it, and whatever (a
    traceback, a message of click's or of a library), what could steer a terminal is an escape. Only
    `raw` goes around it."""

    below: BinaryIO

    @property
    def buffer(self) -> BinaryIO:
        """Nobody's but `raw`'s: click would go around the guard where the encoding is ASCII."""
        raise AttributeError("buffer")

    def write(self, text: str | bytes) -> int:
        """Also bytes, which click writes where it finds no buffer."""
        if isinstance(text, bytes):
            text = text.decode(self.encoding, "backslashreplace")
        super().write(printable_lines(text))
        return len(text)


_kept: list[TextIO] = []
"""The streams before they were guarded. One that is forgotten closes what it shares with the one
that guards it."""


def guard_streams() -> None:
    """Puts `Guarded` in the place of standard output and error, once a process."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(stream) is not io.TextIOWrapper:
            continue  # there is none, or somebody else's is in its place
        stream.flush()
        _kept.append(stream)
        by_line = stream.line_buffering
        guarded = Guarded(
            stream.buffer,
            stream.encoding,
            "backslashreplace",
            line_buffering=by_line,
            write_through=True,
        )
        guarded.below = stream.buffer
        setattr(sys, name, guarded)


def raw(stream: TextIO) -> TextIO:
    """A guarded stream without its guard, for a library that steers the terminal itself, and shows
    only text of ours or what is `printable` already."""
    if not isinstance(stream, Guarded):
        return stream
    _kept.append(
        io.TextIOWrapper(stream.below, stream.encoding, "backslashreplace", write_through=True)
    )
    return _kept[-1]


def console(*, err: bool = False) -> Console:
    """Rich's, whose own controls and styles reach the terminal, and of any text only what is
    printable."""
    from rich.console import Console  # noqa: PLC0415 (start-up time)
    from rich.segment import Segment  # noqa: PLC0415

    class Plain(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
            for each in super().render(renderable, options):
                yield each if each.control else Segment(printable_lines(each.text), each.style)

    return Plain(file=raw(sys.stderr if err else sys.stdout), highlight=False)


def say(text: str = "") -> None:
    """One line on standard output, at once, whatever is in the text."""
    sys.stdout.write(f"{printable(said(text))}\n")
    sys.stdout.flush()


def say_lines(text: str) -> None:
    """Lines of ours on standard output."""
    sys.stdout.write(f"{printable_lines(text)}\n")


def warn(text: str) -> None:
    """One sentence on standard error; the command goes on."""
    sys.stderr.write(f"syncin-mount: {printable(said(text))}\n")


def ask(text: str, **how: Any) -> str:
    """Somebody's answer to a question on the terminal. Raises Abort."""
    return str(click.prompt(printable(said(text)), err=True, **how))


def confirm(text: str, **how: Any) -> bool:
    """Whether somebody at the terminal agrees. Raises Abort."""
    return click.confirm(printable(said(text)), err=True, **how)


def json_line(data: Any) -> None:
    """One document on one line; messages and times as `json_form.document` makes them."""
    sys.stdout.write(f"{_as_json(data)}\n")


def emit_json(data: Any) -> None:
    """One document; messages and times as `json_form.document` makes them."""
    sys.stdout.write(f"{_as_json(data, indent=2)}\n")


def _as_json(data: Any, indent: int | None = None) -> str:
    """ASCII only, so that names which are no text survive as escapes; DEL is ASCII, and steers
    terminals."""
    return json.dumps(document(data), indent=indent).replace("\x7f", "\\u007f")


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Columns under their headings; ``empty`` is said instead of a table without rows."""
    columns = [t(each) for each in columns]
    cells = [[printable(said(cell)) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    if on_terminal():
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in cells:
            table.add_row(*map(Text, row))
        console().print(table)
        return
    widths = [max(len(row[i]) for row in (columns, *cells)) for i in range(len(columns))]
    for line in (columns, *cells):
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def emit_fields(fields: Iterable[tuple[str, str]]) -> None:
    """One ``name: value`` a line, aligned."""
    pairs = [(t(name), printable(said(value))) for name, value in fields]
    width = max((len(name) for name, _ in pairs), default=0) + 1
    for name, value in pairs:
        say(f"{name + ':':<{width}} {value}".rstrip())


def moment(seconds: float | None) -> str:
    """Local time to the second; ``-`` for None."""
    if seconds is None:
        return "-"
    when = dt.datetime.fromtimestamp(seconds).astimezone()
    return numbers.moment(when, "%Y-%m-%d %H:%M:%S", day="yMMdd", clock="Hms")


def minute(seconds: float) -> str:
    """Local time to the minute."""
    when = dt.datetime.fromtimestamp(seconds).astimezone()
    return numbers.moment(when, "%Y-%m-%d %H:%M", day="yMMdd", clock="Hm")


def time_of_day(seconds: float) -> str:
    """Local time to the second, without the day."""
    return dt.datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")


def run_async(function: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a trio function to its end, on the main thread, which gets Ctrl-C as
    KeyboardInterrupt."""
    import trio  # noqa: PLC0415 (start-up time)

    return trio.run(function, *arguments, strict_exception_groups=True)
