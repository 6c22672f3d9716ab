"""The documents of ``--json``: every key is described, means one thing, and times are RFC 3339."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from syncin_mount.cli.ui.json_form import KEYS, TIMES, document, rfc3339
from syncin_mount.config.schema import SERVER_KEYS, SYNCHRONIZATION_KEYS
from syncin_mount.control import conflict_messages, messages
from syncin_mount.control.supervision import Supervised
from tests.docs.outputs import COMMANDS, keys_of, objections, outputs

SHOWN = (
    messages.Status,
    messages.Running,
    messages.Progress,
    messages.Problem,
    messages.JournalEntry,
    messages.Transfer,
    messages.BinEntry,
    conflict_messages.ConflictEntry,
    conflict_messages.ConflictVersion,
    messages.NodeState,
    messages.PlannedAction,
    messages.Report,
    messages.Explained,
    messages.Explanation,
    Supervised,
)
"""Messages that commands print."""

RARE = {"aside", "error", "file", "names", "parts", "status"}
"""Keys of documents that need a failure or an archive: `sync --all`, `doctor --collect`."""


def keys_of_messages() -> set[str]:
    """As they are printed: one of each message, with a value that no key has."""
    found = set()
    for kind in SHOWN:
        found |= {*document(msgspec.convert(_values(kind), kind, strict=False))}
    return found


def _values(kind: type[msgspec.Struct]) -> dict[str, object]:
    """The fields that must be given, with anything that they take."""
    plain: dict[object, object] = {int: 1, float: 1.0, bool: True, str: "", str | None: None}
    return {
        field.encode_name: plain.get(field.type, "up")
        for field in msgspec.structs.fields(kind)
        if field.required
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_prints_is_described(command: str):
    assert objections(outputs()[command]) == []


def test_each_command_has_a_document():
    assert [*outputs()] == COMMANDS


def test_every_key_is_one_that_a_command_prints():
    settings = {key.name for key in (*SERVER_KEYS, *SYNCHRONIZATION_KEYS)}
    printed = {key for each in outputs().values() for key in keys_of(each)} | keys_of_messages()
    assert {*KEYS} - printed - settings - RARE == set()
    assert {key for key in printed if key not in KEYS} == set()


def test_the_keys_are_in_order_and_the_times_are_times():
    assert [*KEYS] == sorted(KEYS)
    assert {name for name, key in KEYS.items() if key.type == "time"} == TIMES


@pytest.mark.parametrize(
    "wrong",
    [
        {"nobody": 1},
        {"time": 1700000000},
        {"time": "2026-11-30T07:15:04"},
        {"time": "2026-11-30"},
        {"waiting": "3"},
        {"waiting": True},
        {"mounted": 1},
        {"filters": {}},
        [{"name": "docs", "transfers": [{"size": None, "sequence": 1}]}],
    ],
)
def test_what_is_not_as_described_is_found(wrong: object):
    assert len(objections(wrong)) == 1


@pytest.mark.parametrize(
    "seconds", [0, -1.5, 1_700_000_000.123, 2**31, 253_402_300_799, 1e18, -1e18, 2**63]
)
def test_every_time_is_a_text_with_an_offset(seconds: float):
    text = rfc3339(seconds)
    assert objections({"time": text}) == []
    if abs(seconds) < 2**33:
        assert abs(dt.datetime.fromisoformat(text).timestamp() - seconds) < 0.001


def test_times_of_the_server_get_the_local_offset():
    found = document({"created": "2026-11-30T07:15:04.000Z", "time": "soon", "until": None})
    assert objections({"created": found["created"]}) == []
    assert found["time"] == "soon"  # a field of a record in the log
    assert found["until"] is None


def test_a_message_has_the_keys_of_the_documents():
    entry = messages.JournalEntry(17, 0.0, "send", "a.txt")
    shown = document([entry])[0]
    assert shown["number"] == 17
    assert "sequence" not in shown
    assert objections(shown) == []
