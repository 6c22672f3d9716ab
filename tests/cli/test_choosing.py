"""What is said of the server's folders, what an answer means, and what the assistant suggests."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncin_mount.app.accounts.remote_folders import is_read_only
from syncin_mount.app.synchronizations.suggestions import (
    suggested_mountpoint,
    suggested_name,
    suggested_server_name,
)
from syncin_mount.cli.ui.assistant.add_options import (
    SETTINGS,
    AddOptions,
    command_line,
)
from syncin_mount.cli.ui.assistant.remote_choice import (
    PAGE,
    Answer,
    Level,
    note,
    understood,
    unsuited,
)
from syncin_mount.config import Synchronization
from syncin_mount.remote.browse import RemoteItem


def item(
    path: str, *, folder: bool = True, permissions: str = "a:d:m:si:so", enabled: bool = True
) -> RemoteItem:
    return RemoteItem(path.rpartition("/")[2], path, folder, True, permissions, enabled, False)


OURS = Synchronization(
    name="docs", server="home", remote="personal/work/docs", mountpoint=Path("/x")
)
WHOLE = "cannot be synchronized whole: choose a folder in it"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (item("personal"), WHOLE),
        (item("spaces"), WHOLE),
        (item("shares"), WHOLE),
        (item("spaces/team"), WHOLE),
        (item("spaces/team/plans"), None),
        (item("shares/photos"), None),
        (item("personal/a"), None),
        (item("personal/a", folder=False), "a file; choose a folder"),
        (
            item("spaces/team/plans", enabled=False),
            "disabled on the server; its managers can enable it",
        ),
        (item("personal/work/docs"), "synchronized as 'docs' already"),
        (item("personal/work"), "the folder of 'docs' is in it"),
        (item("personal/work/docs/2026"), "it is in the folder of 'docs'"),
    ],
)
def test_what_cannot_be_synchronized_is_told(found: RemoteItem, why: str | None):
    def user(path: str) -> Synchronization | None:
        return OURS if path.startswith("personal/work") else None

    assert unsuited(found, user) == why
    assert note(found, user) == (why or "")


@pytest.mark.parametrize(
    ("path", "permissions", "only"),
    [
        ("spaces/team/plans", "", True),
        ("spaces/team/plans", "a:m", True),
        ("spaces/team/plans", "m:d:a", False),
        ("shares/photos", "so", True),
        ("personal/a", "a:d:m:si:so:sh", False),
        ("personal", "", False),
        ("spaces", "", False),
    ],
)
def test_where_a_drive_can_only_follow_the_server(path: str, permissions: str, only: bool):
    found = item(path, permissions=permissions)
    assert is_read_only(found) is only
    if only:
        assert note(found) == "read-only: a drive of it follows the server"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", Answer(more=True)),
        ("  ", Answer(more=True)),
        ("..", Answer(up=True)),
        (" . ", Answer(here=True)),
        ("1", Answer(number=0)),
        ("12", Answer(number=11)),
        ("0", Answer(number=-1)),
        ("１", Answer(only="１")),
        ("+ new one", Answer(make="new one")),
        ("+", Answer(make="")),
        ("personal/a b/", Answer(path="personal/a b")),
        ("photos", Answer(only="photos")),
        ("...", Answer(only="...")),
    ],
)
def test_what_an_answer_means(text: str, answer: Answer):
    assert understood(text) == answer


def test_a_level_shows_folders_alone_by_name_and_in_pages():
    items = (
        item("personal/z.txt", folder=False),
        *(item(f"personal/Ord {n:03}") for n in range(PAGE * 2 + 1)),
    )
    level = Level((*items, item("personal/apart")))
    lines = level.lines(note, str)
    assert lines[0] == "   1  apart/"
    assert lines[1] == "   2  Ord 000/"
    assert len(lines) == PAGE + 1
    assert lines[-1] == f"      … {PAGE + 2} more: Enter shows them"
    second = level.next_page()
    assert second.lines(note, str)[0] == f"{PAGE + 1:>4}  Ord {PAGE - 1:03}/", (
        "numbers go on, so that they stay what they were"
    )
    assert level.next_page().next_page().next_page() == level
    narrow = Level(level.items, only="ORD 00")
    assert [each.name for each in narrow.found] == [f"Ord 00{n}" for n in range(10)]
    assert Level(level.items, only="no").lines(note, str) == [
        "      no folder has “no” in its name"
    ]
    assert Level(()).lines(note, str) == ["      no folders"]


def test_a_level_fits_80_columns_and_steers_no_terminal():
    level = Level((item("spaces/team"), item("personal/evil\x1b[2J\nname")))
    lines = level.lines(note, lambda text: text.encode("unicode_escape").decode())
    assert all(len(line) <= 80 and line.isprintable() for line in lines)
    assert lines[1].endswith(WHOLE)


@pytest.mark.parametrize(
    ("remote", "taken", "name"),
    [
        ("personal/docs", (), "docs"),
        ("personal/docs", ("docs", "docs-2"), "docs-3"),
        ("spaces/team/Pläne 2026", (), "Pläne 2026"),
        ("personal/...", (), "drive"),
        ("personal/💾", (), "drive"),
        ("personal/" + "x" * 200, (), "x" * 40),
        ("personal/a*b?c", (), "a-b-c"),
    ],
)
def test_a_name_is_suggested_that_can_be_one(remote: str, taken: tuple[str, ...], name: str):
    assert suggested_name(remote, taken) == name


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("files.example.org", "files"),
        ("www.example.org", "example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "home"),
        ("", "drive"),
    ],
)
def test_a_name_for_a_server_is_suggested(host: str, name: str):
    assert suggested_server_name(host, ()) == name
    assert suggested_server_name(host, (name,)) == f"{name}-2"


def test_the_first_free_folder_is_suggested():
    taken = {Path("/h/Sync-in"), Path("/h/Sync-in-2")}
    assert suggested_mountpoint(Path("/h"), lambda path: path not in taken) == Path("/h/Sync-in-3")


def test_the_command_line_says_all_that_was_answered():
    wanted = AddOptions(
        name="my docs",
        server="home",
        remote="personal/docs",
        mountpoint="/d",
        every="2h",
        filters=("a", "b c"),
    )
    assert (
        command_line(wanted)
        == "syncin-mount add 'my docs' --server home --remote personal/docs --mountpoint /d --every"
        " 2h --filter a --filter 'b c'"
    )


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_the_settings_choices_are_the_program_s_own(name: str):
    choices = next(setting.choices for setting in SETTINGS if setting.name == name)
    default = getattr(OURS, name)
    assert set(choices) == {member.value for member in type(default)}
    assert next(iter(choices)) == default.value, "the default is offered first"
