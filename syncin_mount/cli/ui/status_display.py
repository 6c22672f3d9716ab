"""How synchronizations are, once: on a terminal, in a pipe, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncin_mount.cli.ui import output, status_table
from syncin_mount.cli.ui.json_form import document
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from rich.console import RenderableType

    from syncin_mount.cli.ui.status_table import Line, StatusRow

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


def plain(seen: StatusRow) -> dict[str, Any]:
    """All that is known, for JSON."""
    found: dict[str, Any] = {"name": seen.configured.name, "mounted": seen.silent}
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
        output.console().print(block(seen, trouble, brief=brief, now=now))
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
