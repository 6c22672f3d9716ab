"""What commands print: tables for a terminal, plain lines for a pipe, JSON where asked."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document.")


def on_terminal() -> bool:
    """Whether somebody watches."""
    return sys.stdout.isatty()


def printable(text: str) -> str:
    """Names come from others: what could steer a terminal, or cannot be encoded, is shown as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def say(text: str = "") -> None:
    """One line on standard output."""
    click.echo(text)


def warn(text: str) -> None:
    """One sentence on standard error; the command goes on."""
    click.echo(f"syncin-mount: {text}", err=True)


def emit_json(data: Any) -> None:
    """ASCII only, so that names which are no text survive as escapes."""
    click.echo(json.dumps(data, indent=2))


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Columns under their headings; ``empty`` is said instead of a table without rows."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    if on_terminal():
        from rich.console import Console  # noqa: PLC0415 (start-up time)
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in cells:
            table.add_row(*map(Text, row))
        Console().print(table)
        return
    widths = [max(len(row[i]) for row in (columns, *cells)) for i in range(len(columns))]
    for line in (columns, *cells):
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def emit_fields(fields: Iterable[tuple[str, str]]) -> None:
    """One ``name: value`` a line, aligned."""
    pairs = [(name, printable(value)) for name, value in fields]
    width = max((len(name) for name, _ in pairs), default=0) + 1
    for name, value in pairs:
        say(f"{name + ':':<{width}} {value}".rstrip())


def size(count: int) -> str:
    """Bytes for people: ``812 B``, ``4.0 KiB``, ``1.2 GiB``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def moment(seconds: float | None) -> str:
    """Local time to the second; ``-`` for None."""
    if seconds is None:
        return "-"
    return dt.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def time_of_day(seconds: float) -> str:
    """Local time to the second, without the day."""
    return dt.datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def run_async(function: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a trio function to its end, on the main thread, which gets Ctrl-C as KeyboardInterrupt."""
    import trio  # noqa: PLC0415 (start-up time)

    return trio.run(function, *arguments, strict_exception_groups=True)
