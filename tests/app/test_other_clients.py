"""What the list of an account's clients tells of others at work in the same files."""

from __future__ import annotations

import pytest

from syncin_mount.app.runtime.other_clients import OtherClients
from syncin_mount.remote.registrations import Sign

OURS = "personal/docs"


def client(name: str, last_sync: str | None, remote: str = OURS, *, own: bool = False) -> Sign:
    return Sign(name, 1, remote, last_sync, own)


A, B = "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:05.000Z"

ROWS = {
    "nothing happened": (client("desk", A), client("desk", A), False),
    "it sent something": (client("desk", A), client("desk", B), True),
    "it sent something for the first time": (client("desk", None), client("desk", B), True),
    "whoever knows no time tells nothing": (client("desk", A), client("desk", None), False),
    "a clock was set back": (client("desk", B), client("desk", A), True),
    "in a folder below ours": (
        client("desk", A, "personal/docs/letters"),
        client("desk", B, "personal/docs/letters"),
        True,
    ),
    "in a folder above ours": (
        client("desk", A, "personal/docs"),
        client("desk", B, "personal/docs"),
        True,
    ),
    "beside ours": (
        client("desk", A, "personal/docs2"),
        client("desk", B, "personal/docs2"),
        False,
    ),
    "we ourselves": (client("desk", A, own=True), client("desk", B, own=True), False),
    "it is new": (client("desk", A, "personal/other"), client("lap", A), True),
}


@pytest.mark.parametrize("row", ROWS)
def test_others_moved(row: str) -> None:
    before, after, moved = ROWS[row]
    others = OtherClients()
    assert not others.moved([before], OURS), "the first answer tells nothing"
    assert others.moved([after], OURS) is moved
    assert not others.moved([after], OURS)


def test_who_is_alone_has_nobody_to_ask_about() -> None:
    others = OtherClients()
    found = [others.is_alone]  # nobody has asked yet
    others.moved([client("here", A, own=True), client("desk", A, "personal/pictures")], OURS)
    found.append(others.is_alone)
    others.moved([client("desk", A, "personal/docs/letters")], OURS)
    found.append(others.is_alone)
    assert found == [False, True, False]
