"""Whatever the server says of a synchronization is refused, left out, or can be kept: no command is
locked out."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import Refused
from reconciler.model import Conflict, Direction, Mode
from reconciler.planner.guards import Halted
from syncin_mount.app.synchronizations.adoption import MOST, MOST_TOLD, decide
from syncin_mount.app.synchronizations.registration import merged
from syncin_mount.config import (
    Configuration,
    ConfigurationError,
    ConfigurationFile,
    Folders,
    Server,
    Synchronization,
)
from syncin_mount.config.values import check_remote
from syncin_mount.remote.registrations import PathUpdate, SyncPath
from tests.effort import examples

HOME = Server("home", "http://127.0.0.1:8080", "user1", "8d4ad0ab-3a8e-4a7b-9f4e-6f4f5a9f2f11")
DOCS = Synchronization("docs", "home", "personal/docs", Path("/mnt/docs"), path_id=1, timestamp=10)
CONFIGURATION = Configuration().with_server(HOME).with_synchronization(DOCS)

CONTROLS = [chr(each) for each in (*range(0x20), *range(0x7F, 0xA0))]
ODD = [
    "\u200b",
    "\u202e",
    "\u2028",
    "\u2029",
    "\xa0",
    "\xad",
    "\ufeff",
    "\U000e0041",
    "👩\u200d💻",
    "\U0010ffff",
    "\ud800",
]
PARTS = st.one_of(
    st.sampled_from(
        [
            *CONTROLS,
            *ODD,
            "'",
            '"',
            "\\",
            "'''",
            "[x]",
            "#",
            "=",
            "a",
            "é",
            "x" * 255,
            "x" * 256,
            "é" * 128,
        ]
    ),
    st.text(max_size=5),
)
TEXTS = st.lists(PARTS, max_size=4).map("".join)
NUMBERS = st.sampled_from([-1, 0, 11, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**400])

counted = itertools.count()


def can_be_kept(folder: Path, now: Configuration) -> None:
    home = folder / str(next(counted))
    file = ConfigurationFile(Folders(home, home / "state", home / "run", portable=True))
    assert file.update(lambda _: now) == now
    assert file.read() == now


@pytest.mark.slow
@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3), NUMBERS)
def test_settings(
    tmp_path_factory: Any,
    expected_log: Any,
    remote: str,
    rights: str,
    filters: list[str],
    timestamp: int,
):
    expected_log("not followed", required=False)
    update = PathUpdate(
        1,
        remote_path=f"personal/{remote}",
        permissions=rights,
        filters=filters,
        timestamp=timestamp,
    )
    for each in (update, msgspec.structs.replace(update, remote_path=msgspec.UNSET)):
        try:
            now = merged(DOCS, each)
        except (Refused, Halted):
            continue
        can_be_kept(tmp_path_factory.mktemp("home"), CONFIGURATION.with_synchronization(now))


@settings(max_examples=examples(50))
@given(TEXTS, TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=3), NUMBERS, NUMBERS)
def test_offers(
    tmp_path_factory: Any,
    name: str,
    remote: str,
    local: str,
    rights: str,
    filters: list[str],
    number: int,
    at: int,
):
    offer = SyncPath(
        name=name,
        local_path=f"/{local}",
        remote_path=f"personal/{remote}",
        mode=Direction.BOTH,
        diff_mode=Mode.FAST,
        conflict_mode=Conflict.RECENT,
        timestamp=at,
        permissions=rights,
        filters=filters,
        id=number,
    )
    home = tmp_path_factory.mktemp("home")
    folders = Folders(home, home / "state", home / "run", portable=True)
    judged = decide(
        CONFIGURATION, HOME, [offer], removed=(), folders=folders, now=2**70, usable=lambda _: None
    )
    now = CONFIGURATION
    for each in judged.taken:
        now = now.with_synchronization(each)
    can_be_kept(home, now)


@pytest.mark.parametrize("good", [True, False])
def test_a_thousand_offers_are_bounded_and_told(tmp_path: Path, good: bool):
    def offer(number: int) -> SyncPath:
        return SyncPath(
            name=f"n{number}",
            local_path=f"/mnt/{number}" if good else "nowhere",
            remote_path=f"personal/{number}",
            mode=Direction.BOTH,
            diff_mode=Mode.FAST,
            conflict_mode=Conflict.RECENT,
            timestamp=0,
            id=number,
        )

    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    offers = [offer(number) for number in range(2, 1002)]
    judged = decide(
        CONFIGURATION, HOME, offers, removed=(), folders=folders, now=1e9, usable=lambda _: None
    )
    assert len(judged.taken) == (MOST - 1 if good else 0)
    assert len(judged.not_taken) == (1 if good else MOST_TOLD + 1)
    assert ("951 more" if good else "980 more") in judged.not_taken[-1]


@pytest.mark.parametrize("each", CONTROLS, ids=ascii)
def test_a_folder_with_a_control_character_is_refused_by_a_sentence_that_is_printable(each: str):
    with pytest.raises(Refused, match="where it cannot be synchronized") as caught:
        merged(DOCS, PathUpdate(1, remote_path=f"personal/a{each}b"))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["x" * 256, "é" * 128])
def test_a_folder_with_a_name_too_long_is_refused(name: str):
    with pytest.raises(Refused, match="more than 255 bytes"):
        merged(DOCS, PathUpdate(1, remote_path=f"personal/{name}"))


@pytest.mark.parametrize("name", ["a\xa0b", "👩\u200d💻", "a\u2028b", "\u202eabc", "x" * 255])
def test_a_folder_that_can_be_kept_is_followed(tmp_path: Path, name: str):
    now = merged(DOCS, PathUpdate(1, remote_path=f"personal/{name}"))
    assert now.remote == check_remote(f"personal/{name}") == f"personal/{name}"
    can_be_kept(tmp_path, CONFIGURATION.with_synchronization(now))


@pytest.mark.parametrize(
    "change",
    [
        {"remote": "personal/a\nb"},
        {"permissions": "\ud800"},
        {"path_id": -1},
        {"path_id": 2**63},
        {"login": "a\x1bb"},
    ],
    ids=str,
)
def test_what_the_file_cannot_hold_changes_nothing(tmp_path: Path, change: dict[str, Any]):
    """Whoever forgets to ask before: the file stays as it was."""
    file = ConfigurationFile(Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True))
    file.update(lambda _: CONFIGURATION)
    before = file.path.read_bytes()

    def wrong(now: Configuration) -> Configuration:
        if "login" in change:
            return now.with_server(replace(HOME, **change))
        return now.with_synchronization(replace(DOCS, **change))

    with pytest.raises(
        ConfigurationError, match=r"cannot hold this change .*; nothing was changed"
    ):
        file.update(wrong)
    assert file.path.read_bytes() == before
    assert file.read() == CONFIGURATION
