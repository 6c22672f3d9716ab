"""Figures for monitoring, as Prometheus reads them. Pure.

The text format is version 0.0.4 of the exposition formats in Prometheus' documentation: for each
metric a line of help, its type, and a line for each value. That is less than the client library
would take to be told of figures that it has not counted itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncin_mount.app.drives.drive_state import DriveState, state_of

if TYPE_CHECKING:
    from syncin_mount.control.messages import Status

PREFIX = "syncin_mount_"

Number = float | int | None
"""None where a figure is not known: it has no line then."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a drive. ``name`` follows `PREFIX`, and ends with its unit. ``values`` gives
    the further labels of each line, with its value."""

    name: str
    help: str
    values: Callable[[Status], Iterable[tuple[dict[str, str], Number]]]
    kind: str = "gauge"


def _one(
    value: Callable[[Status], Number],
) -> Callable[[Status], list[tuple[dict[str, str], Number]]]:
    return lambda status: [({}, value(status))]


def _states(status: Status) -> list[tuple[dict[str, str], Number]]:
    now = state_of(status)
    return [({"state": each.value}, each is now) for each in DriveState]


def _limits(status: Status) -> list[tuple[dict[str, str], Number]]:
    return [({"to": "server"}, status.limit_up), ({"to": "computer"}, status.limit_down)]


METRICS: tuple[Metric, ...] = (
    Metric("mounted", "Whether the drive is mounted.", _one(lambda of: of.mounted)),
    Metric(
        "online",
        "Whether the server could be reached when it was asked last.",
        _one(lambda of: of.online),
    ),
    Metric("state", "1 for the state that the drive is in, 0 for each other one.", _states),
    Metric(
        "pending_changes",
        "Files and folders whose changes the server does not have yet.",
        _one(lambda of: of.waiting),
    ),
    Metric("held_changes", "Of these, those that somebody holds back.", _one(lambda of: of.held)),
    Metric("absent_files", "Files whose content is not here yet.", _one(lambda of: of.absent)),
    Metric("entries", "Files and folders that both sides have.", _one(lambda of: of.known)),
    Metric("files", "Files among them, where that is counted.", _one(lambda of: of.files)),
    Metric("content_bytes", "The sizes of these files.", _one(lambda of: of.bytes)),
    Metric("problems", "Problems that are not solved.", _one(lambda of: len(of.problems))),
    Metric(
        "lasting_problems",
        "Of these, those that need somebody.",
        _one(lambda of: sum(each.lasting for each in of.problems)),
    ),
    Metric(
        "conflicts_total",
        "Conflicts since the drive was mounted.",
        _one(lambda of: of.conflicts),
        "counter",
    ),
    Metric("transfers", "Transfers under way.", _one(lambda of: len(of.transfers))),
    Metric(
        "last_run_timestamp_seconds",
        "When the last run ended, in seconds since 1970.",
        _one(lambda of: of.last_run),
    ),
    Metric(
        "next_run_timestamp_seconds",
        "When the next run is due by its schedule.",
        _one(lambda of: of.next_run),
    ),
    Metric(
        "offline_since_timestamp_seconds",
        "When the server was lost, while it is away.",
        _one(lambda of: of.offline_since),
    ),
    Metric("limit_bytes_per_second", "The limits of the bandwidth, where there are any.", _limits),
)

UP = Metric("up", "Whether the drive could be asked how it is.", _one(lambda _: 1))


def exposition(statuses: Sequence[Status], unanswered: Sequence[str] = ()) -> str:
    """The text for these drives; ``unanswered`` are the names of those that could not be asked.
    Ends with a line feed."""
    answered = [*((each.name, 1) for each in statuses), *((name, 0) for name in unanswered)]
    lines = _head(UP)
    lines += [_line(UP, {"drive": name}, value) for name, value in answered]
    for metric in METRICS:
        of_all = [
            _line(metric, {"drive": status.name, **labels}, value)
            for status in statuses
            for labels, value in metric.values(status)
            if value is not None
        ]
        if of_all:
            lines += [*_head(metric), *of_all]
    return "".join(f"{line}\n" for line in lines)


def _head(metric: Metric) -> list[str]:
    name = PREFIX + metric.name
    return [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]


def _line(metric: Metric, labels: dict[str, str], value: float) -> str:
    shown = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{PREFIX}{metric.name}{{{shown}}} {_number(value)}"


def _escaped(text: str) -> str:
    """A label's value may be any text; these three characters are written otherwise."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """As Go reads it."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
