"""The menu's items, numbers and revisions: tables, no bus."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest

from syncin_mount.app.drives.drive_state import DriveState
from syncin_mount.control.messages import Summary
from syncin_mount.control.supervision import Phase
from syncin_mount.tray.layout import ROOT, Change, Layout
from syncin_mount.tray.menu import (
    LABEL_LENGTH,
    MENU_DRIVES,
    MENU_NEEDS,
    Click,
    Item,
    Verb,
    label,
    menu,
)
from syncin_mount.tray.view import DriveView


def up(name: str = "docs", state: DriveState = DriveState.IDLE, **more) -> DriveView:
    return DriveView(name, Phase.UP, f"/mnt/{name}", summary=Summary(state.value, **more))


def texts(items: tuple[Item, ...]) -> list[object]:
    """Labels, with those below them; ``-`` between groups."""
    found: list[object] = []
    for each in items:
        found.append("-" if each.is_separator else each.label)
        if each.children:
            found.append(texts(each.children))
    return found


def drawn(*drives: DriveView, page: bool = False) -> list[object]:
    return texts(menu(drives, has_page=page))


QUIT = "Unmount all drives and quit"


def test_one_drive_has_its_items_at_once():
    assert drawn(up(), page=True) == [
        *("docs: up to date", "Open folder", "Sync now", "Pause"),
        *("-", "Open the page", "-", QUIT),
    ]


def test_several_have_a_submenu_each():
    assert drawn(up(), up("pics", DriveState.PAUSED)) == [
        *("docs: up to date", ["Open folder", "Sync now", "Pause"]),
        *("pics: paused", ["Open folder", "Resume"]),
        *("-", "Sync all now", "Pause all", "Resume all", "-", QUIT),
    ]


@pytest.mark.parametrize(
    ("drive", "items"),
    [
        (DriveView("docs", Phase.DOWN), ["docs: not mounted", "Mount", "Pause"]),
        (DriveView("docs", Phase.DOWN, paused=True), ["docs: not mounted", "Mount", "Resume"]),
        (DriveView("docs", Phase.STARTING), ["docs: being mounted", "Pause"]),
        (
            DriveView("docs", Phase.WAITING, why="no"),
            ["docs cannot be mounted …", "-", "docs: cannot be mounted", "Mount", "Pause"],
        ),
        (
            up(state=DriveState.HALTED, halted="no", conflicts=1),
            [
                *("docs is stopped …", "docs has 1 conflict …", "-"),
                *("docs: stopped, needs you", "Open folder", "Sync now", "Pause"),
            ],
        ),
    ],
)
def test_what_can_be_done_depends_on_the_state(drive: DriveView, items: list[str]):
    assert drawn(drive) == [*items, "-", QUIT]


def test_without_drives_there_is_still_a_way_out():
    assert drawn() == ["No synchronization is enabled", "-", QUIT]


def test_hundreds_of_drives_make_a_menu_that_fits():
    many = [up(f"d{number}", DriveState.PROBLEMS, problems=1) for number in range(300)]
    items = menu(many, has_page=False)
    assert texts(items).count(f"and {300 - MENU_NEEDS} more") == 1
    assert texts(items).count(f"and {300 - MENU_DRIVES} more") == 1
    assert sum(bool(each.children) for each in items) == MENU_DRIVES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("my_docs: up to date", "my__docs: up to date"),
        ("a__b", "a____b"),
        ("evil\n\u202e\x1b[1m", "evil\\n\\u202e\\x1b[1m"),
        ("x" * 200, "x" * (LABEL_LENGTH - 1) + "…"),
    ],
)
def test_labels_are_one_short_line_that_marks_no_key(text: str, shown: str):
    assert label(text) == shown


def number_of(layout: Layout, verb: Verb, drive: str = "docs") -> int:
    """The item's number, as a host finds it."""
    numbers: list[int] = [number for number, _ in layout.group(())]
    wanted = Click(verb, drive)
    return next(each for each in numbers if layout.click(each) == wanted)


def test_the_first_menu_is_a_new_structure():
    layout = Layout()
    assert layout.tree(ROOT, -1)[2] == []
    assert layout.update(menu([up()], has_page=False)) == Change(structure=True)
    assert layout.revision == 1
    number, properties, below = layout.tree(ROOT, -1)
    assert (number, properties) == (ROOT, {"children-display": ("s", "submenu")})
    signature, (first, shown, children) = below[0]
    assert signature == "(ia{sv}av)"
    assert shown == {"label": ("s", "docs: up to date"), "enabled": ("b", False)}
    assert children == []
    assert layout.properties(first, ["label"]) == {"label": ("s", "docs: up to date")}


def test_another_label_is_no_new_structure():
    layout = Layout()
    layout.update(menu([up()], has_page=False))
    first = layout.tree(ROOT, 1)[2][0][1][0]
    assert not layout.update(menu([up()], has_page=False))
    change = layout.update(menu([up(state=DriveState.SYNCING)], has_page=False))
    assert change == Change(items=(first,))
    assert layout.revision == 1


def test_depth_and_parent_choose_what_is_told():
    layout = Layout()
    layout.update(menu([up(), up("pics")], has_page=False))
    top = layout.tree(ROOT, 1)[2]
    assert all(node[2] == [] for _, node in top)
    drive = top[0][1][0]
    assert len(layout.tree(drive, -1)[2]) == 3
    assert layout.tree(ROOT, 0)[2] == []
    with pytest.raises(KeyError):
        layout.tree(10_000, -1)
    assert layout.group([10_000, drive], ["label"]) == [
        (drive, {"label": ("s", "docs: up to date")})
    ]


def test_a_click_on_a_menu_that_changed_does_what_was_read_there_or_nothing():
    layout = Layout()
    layout.update(menu([up()], has_page=False))
    pause, opens = number_of(layout, Verb.PAUSE), number_of(layout, Verb.OPEN)
    assert layout.click(pause) == Click(Verb.PAUSE, "docs")
    layout.update(menu([up(state=DriveState.PAUSED)], has_page=False))
    assert layout.click(pause) is None
    assert layout.click(opens) == Click(Verb.OPEN, "docs")
    layout.update(menu([up()], has_page=False))
    assert layout.click(pause) is None, "the new item has a number of its own"
    assert number_of(layout, Verb.PAUSE) > pause


drives = st.lists(
    st.builds(
        DriveView,
        st.text(min_size=1, max_size=4),
        st.sampled_from(Phase),
        st.just("/mnt"),
        st.booleans(),
        st.none()
        | st.builds(
            Summary,
            st.sampled_from([each.value for each in DriveState]),
            conflicts=st.integers(0, 2),
            halted=st.none() | st.text(),
        ),
        st.none() | st.text(),
    ),
    unique_by=lambda each: each.name,
    max_size=5,
)


@hypothesis.given(st.lists(st.tuples(drives, st.booleans()), max_size=6))
def test_a_number_never_changes_its_meaning(steps):
    layout = Layout()
    meaning: dict[int, Click | None] = {}
    for found, page in steps:
        before = layout.tree(ROOT, -1)
        change = layout.update(menu(found, has_page=page))
        assert bool(change) == (layout.tree(ROOT, -1) != before)
        numbers = [number for number, _ in layout.group(())]
        assert len(set(numbers)) == len(numbers)
        for number in numbers:
            click = layout.click(number)
            assert meaning.setdefault(number, click) == click
