"""``./dev bench``: the benchmarks. What counts is ratios to a reference measured in the same run,
not seconds."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import freshness, mount, official, scale, stall, startup, sync, tray, ui, work
from benchmarks.ground import Ground
from syncin_mount.cli.demo.sandbox import Sandbox


def main() -> int:
    """Measures what the words ask for; the exit status."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument(
        "what",
        choices=[
            *("freshness", "mount", "official", "scale", "stall", "startup", "sync", "tray", "ui"),
        ],
        help=(
            "freshness: how soon others' changes are seen; mount: file system operations, beside a"
            " native folder, a C program and rclone; scale: a million files, 100,000 operations to"
            " replay; sync: carrying files across, beside a bare HTTP loop, and what official"
            " measures; official: beside Sync-in's own client on a Sync-in server, which the"
            " environment names; stall: how long the drive stands still meanwhile; startup: how"
            " long commands take to start; tray: what the tray icon costs; ui: the page in a"
            " browser"
        ),
    )
    tables = (work, freshness, official, scale, stall, startup, sync, tray, ui)
    rows = sorted({row for each in tables for row in each.ROWS})
    parser.add_argument(
        "--only",
        action="append",
        choices=rows,
        help="this row only (of mount: the part it is in); may be repeated",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="how often each of mount, sync and ui is measured, in turn (default 3)",
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="1: the full sizes; 0.1: a tenth, to try it out"
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="JSON into FILE, or printed instead of tables",
    )
    words = parser.parse_args()
    if words.what == "mount":
        unknown = set(words.only or ()) - set(work.ROWS)
        if unknown:
            parser.error(f"mount has no row {min(unknown)}")
        with _ground(words.scale) as ground:
            found = mount.measure(ground, words.rounds, words.only)
        if words.json != "-":
            mount.show(found)
    elif words.what == "official":
        found = _beside_official(parser, words)
    else:
        found = _row_by_row(parser, words)
        if words.what == "sync" and not words.only:
            found += _beside_official_if_there(parser, words)
    if words.json == "-":
        json.dump(found, sys.stdout, indent=2)
        print()
    elif words.json:
        Path(words.json).write_text(json.dumps(found, indent=2) + "\n")
    return 0


@contextlib.contextmanager
def _ground(scale: float) -> Iterator[Ground]:
    """A server of its own."""
    with Sandbox() as sandbox:
        sandbox.server_files.mkdir(parents=True)
        sandbox.start_server(sandbox.base / "requests.jsonl")
        yield Ground(sandbox, scale)


def _row_by_row(parser: argparse.ArgumentParser, words: argparse.Namespace) -> list[dict[str, Any]]:
    alone = {"startup": startup, "tray": tray, "ui": ui}
    if words.what == "sync":
        known = {
            row: (what, partial(_rounds, measure, words.rounds))
            for row, (what, measure) in sync.ROWS.items()
        }
    elif words.what in alone:
        known = {
            row: (what, partial(_rounds, measure, words.rounds))
            for row, (what, measure) in alone[words.what].ROWS.items()
        }
    elif words.what in ("scale", "freshness"):
        rows = scale.ROWS if words.what == "scale" else freshness.ROWS
        known = {
            row: (what, partial(_count, measure, count))
            for row, (what, measure, count) in rows.items()
        }
    else:
        known = {
            row: (what, partial(_count, measure, 100_000))
            for row, (what, measure) in stall.ROWS.items()
        }
    found = []
    for row in words.only or known:
        if row not in known:
            parser.error(f"{words.what} has no row {row}")
        what, measure = known[row]
        with _ground(words.scale) as ground:
            found.append({"row": row, "what": what, "figures": measure(ground)})
        if words.json != "-":
            _show(found[-1])
    return found


def _beside_official(
    parser: argparse.ArgumentParser, words: argparse.Namespace
) -> list[dict[str, Any]]:
    found = []
    for row in words.only or official.ROWS:
        if row not in official.ROWS:
            parser.error(f"official has no row {row}")
        try:
            figures = official.measure(row, words.rounds, words.scale)
        except official.NotThere as error:
            parser.error(str(error))
        found.append({"row": row, "what": official.ROWS[row][0], "figures": figures})
        if words.json != "-":
            _show(found[-1])
    return found


def _beside_official_if_there(
    parser: argparse.ArgumentParser, words: argparse.Namespace
) -> list[dict[str, Any]]:
    """The rows of ``official`` too, where the environment names what they need."""
    if missing := official.missing():
        print(f"not beside the official client: {missing}", file=sys.stderr)
        return []
    return _beside_official(parser, words)


def _rounds(measure: sync.Measure, rounds: int, ground: Ground) -> dict[str, Any]:
    return measure(ground, rounds)


def _count(measure: stall.Measure, count: int, ground: Ground) -> dict[str, Any]:
    return measure(ground, int(count * ground.scale))


def _show(row: dict[str, Any]) -> None:
    print(f"{row['row']:<12} {row['what']}")
    for key, value in row["figures"].items():
        print(f"{'':<12}   {key:<38} {value}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
