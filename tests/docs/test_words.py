"""One word, one meaning (docs/internals/glossary.md): words that once had several are used in
identifiers for that meaning alone, or are listed here with the reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = (
    "reconciler",
    "syncin_mount",
    "platform/linux/syncin_fuse",
    "platform/windows/syncin_winfsp",
)
APART = "syncin_mount/devserver"
"""The embedded server has the real one's words."""

WIRE = "a name on the wire or on the disk, which never changes"
ENGLISH = "who has a lock, a descriptor, a place or a file: no term"

USES: dict[str, tuple[str, dict[str, str]]] = {
    "settle": (
        "settle settles settled settling",
        {"SETTLING": WIRE},
    ),
    "hold": (
        "hold holds held holding holder",
        {
            "Held": WIRE,
            "HELD": WIRE,
            "HOLD": WIRE,
            **dict.fromkeys(
                (
                    *("Hold", "_held", "held", "held_by", "held_nodes", "hold"),
                    *("is_held", "was_held"),
                ),
                "the user's hold",
            ),
            **dict.fromkeys(
                (
                    *("_holder", "_holds", "_least_deep_holder", "dying_holder", "holder", "holds"),
                    *("holds_something", "may_hold", "_hold", "_holds_files"),
                    "MountpointHoldsFiles",
                ),
                ENGLISH,
            ),
        },
    ),
    "pause": (
        "pause pauses paused pausing",
        {
            **dict.fromkeys(
                (
                    *(
                        "PAUSE",
                        "PAUSED",
                        "PAUSE_ALL",
                        "Paused",
                        "_pause",
                        "_paused",
                        "is_paused",
                        "pause",
                        "LONGEST_PAUSE_S",
                        "Pause",
                        "SHORTEST_PAUSE_S",
                        "TimedPause",
                        "_note_pause_end",
                        "end_pause",
                        "follow_pause",
                        "pause_end",
                        "pause_end_after",
                        "pause_end_at",
                        "pause_end_tomorrow",
                        "pause_of",
                        "paused_until",
                    ),
                    "paused",
                ),
                "the user's pause",
            ),
        },
    ),
    "rest": (
        "rests rested resting",
        {"RESTING": WIRE},
    ),
    "doubt": (
        "doubt doubts doubted doubtful",
        {
            **dict.fromkeys(
                (
                    "_doubt_learned",
                    "_doubt_moves",
                    "check_doubts",
                    "doubt_learned",
                    "doubt_move",
                    "doubts",
                ),
                "a remote content in doubt",
            ),
            **dict.fromkeys(
                ("_doubted", "_is_doubtful", "doubt", "doubtful"), "a doubtful local content"
            ),
            "Doubted": WIRE,
        },
    ),
    "snapshot": (
        "snapshot snapshots",
        {
            **dict.fromkeys(
                (
                    *("IndexSnapshot", "ReplicaSnapshot", "Snapshot", "SnapshotEnded"),
                    *("_snapshots", "end_snapshots", "has_open_snapshot", "run_on_snapshot"),
                    "snapshot",
                ),
                "a view of the index at one moment",
            ),
            **dict.fromkeys(
                ("_SNAPSHOT_PACKED", "_SNAPSHOT_PLAIN"),
                "the server's word for the checksums that a client tells with a listing",
            ),
        },
    ),
    "identity": (
        "identity identities",
        dict.fromkeys(("_takes_identity", "identity_moves"), "a base that moves to another node"),
    ),
    "carry": (
        "carry carries carrying carrier",
        {"carry_on": "the caller's answer to whether to go on"},
    ),
    "breath": ("breath breather breathing", {}),
}
"""By word: its forms, and the identifiers that may have it, each with the reason."""


def words(identifier: str) -> list[str]:
    """``_HELD_BACK`` and ``HeldBack`` are held and back."""
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)
    return [word.lower() for word in found]


def identifiers(source: str) -> Iterator[str]:
    """What a program names: functions, classes, parameters, variables and attributes."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr


def uses(forms: str, named: dict[str, set[str]]) -> dict[str, list[str]]:
    """Return identifiers that have one of the words, with the files that define them. ``named`` has
    each file's identifiers."""
    found: dict[str, list[str]] = {}
    for file, names in named.items():
        for name in sorted(names):
            if not set(forms.split()).isdisjoint(words(name)):
                found.setdefault(name, []).append(file)
    return found


@pytest.fixture(scope="module")
def named() -> dict[str, set[str]]:
    return {
        str(path.relative_to(ROOT)): set(identifiers(path.read_text()))
        for place in PLACES
        for path in sorted((ROOT / place).rglob("*.py"))
        if APART not in str(path)
    }


@pytest.mark.parametrize("word", USES)
def test_a_word_that_had_several_meanings_has_one(word: str, named: dict[str, set[str]]) -> None:
    forms, allowed = USES[word]
    found = uses(forms, named)
    assert {name: files for name, files in found.items() if name not in allowed} == {}
    assert sorted(set(allowed) - set(found)) == [], "nothing is named so any more: take these out"


def test_it_finds_a_word_in_whatever_a_program_names() -> None:
    source = """
class HeldBack:
    def is_on_hold(self, held=None, *, holder_of: int): self.HOLDS = [hold for hold in "household"]
threshold = 1
"""
    found = uses("hold holds held holder", {"a.py": set(identifiers(source))})
    assert set(found) == {"HeldBack", "is_on_hold", "held", "holder_of", "HOLDS", "hold"}
