"""What may stand beside what: one row a rule."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model import Conflict, Direction, Mode
from syncin_mount.config import Configuration, Folders, Scheduler, Server, Synchronization, Unit
from syncin_mount.config.model import check_name, parse_schedule
from syncin_mount.config.rules import not_there_yet, objection
from syncin_mount.config.values import check_remote

CLIENT = "8d4ad0ab-3a8e-4a7b-9f4e-6f4f5a9f2f11"
MNT = "C:/mnt" if sys.platform == "win32" else "/mnt"
DOCS = Synchronization("docs", "home", "personal/docs", Path(f"{MNT}/docs"))
CONFIGURED = Configuration(
    {
        "home": Server("home", "http://h", "user1", CLIENT),
        "same": Server("same", "http://h", "user1", CLIENT),
        "work": Server("work", "http://w", "user1", CLIENT),
    },
    {"docs": DOCS},
)
FOLDERS = Folders(Path("/etc/own"), Path("/var/own/state"), Path("/run/own"), portable=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "docs"}, "there is a synchronization 'docs' already"),
        ({"name": "a/b"}, "cannot be a synchronization's name"),
        ({"mountpoint": Path(f"{MNT}/docs")}, "used by 'docs' already"),
        ({"mountpoint": Path(f"{MNT}/docs/in")}, "is inside that of 'docs'"),
        ({"mountpoint": Path(MNT)}, "is around that of 'docs'"),
        ({"mountpoint": Path(f"{MNT}/docs2")}, None),
        ({"mountpoint": Path("/var/own/state/replicas")}, "overlaps with"),
        ({"mountpoint": Path("/var/own")}, "overlaps with"),
        ({"remote": "personal/docs"}, "synchronized as 'docs' already"),
        ({"remote": "personal/docs/in"}, "overlaps with"),
        ({"remote": "personal/docs2"}, None),
        ({"remote": "personal/docs", "server": "same"}, "synchronized as 'docs' already"),
        ({"remote": "personal/docs", "server": "work"}, None),
    ],
)
def test_a_new_synchronization_beside_another(change, says):
    new = replace(Synchronization("new", "home", "personal/new", Path(f"{MNT}/new")), **change)
    found = objection(CONFIGURED, new, FOLDERS)
    assert (found is None) if says is None else (found is not None and says in found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, None),
        ({"direction": Direction.UPLOAD, "conflict": Conflict.LOCAL, "mode": Mode.SECURE}, None),
        ({"filters": ("x", "(?=a)b*")}, "the filters cannot be used: '(?=a)b*': looking ahead"),
        ({"scheduler": Scheduler(1, Unit.HOUR)}, None),
    ],
)
def test_what_is_not_there_yet_says_so(change, says):
    found = not_there_yet(replace(DOCS, **change))
    assert (found is None) if says is None else (found is not None and says in found)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("personal/a", "personal/a"),
        ("/personal//a/", "personal/a"),
        ("spaces/x/y", "spaces/x/y"),
        ("shares/x", "shares/x"),
    ],
)
def test_remote_folders_that_can_be(text, path):
    assert check_remote(text) == path


@pytest.mark.parametrize(
    "text",
    ["", "/", "docs", "personal", "personal/", "spaces", "spaces/team", "shares", "personal/.."],
)
def test_remote_folders_that_cannot_be(text):
    with pytest.raises(ValueError, match=r"folder|all of|whole space"):
        check_remote(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("15m", Scheduler(15, Unit.MINUTE)),
        ("2 hours", Scheduler(2, Unit.HOUR)),
        ("1D", Scheduler(1, Unit.DAY)),
        ("off", Scheduler()),
        ("0m", None),
        ("m", None),
        ("5", None),
        ("5s", None),
    ],
)
def test_schedules(text, found):
    assert parse_schedule(text) == found
    if found is not None:
        assert parse_schedule(str(found)) == found


@pytest.mark.parametrize("name", ["docs", "Été 2026", "a.b-c_d@e+f", "写真", "1"])
def test_names_that_can_be(name):
    assert check_name(name) is None


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".x", "-x", "a/b", "a\0b", "a\nb", "x ", "x.", " x", "x" * 64, "写" * 70],
)
def test_names_that_cannot_be(name):
    assert check_name(name)
