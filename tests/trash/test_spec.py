"""What the trash is told, and which one it is: tables."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncin_mount.config import Trash
from syncin_mount.trash import Item, NotForTrash, choose, home_trash
from syncin_mount.trash.spec import info_text, names, with_size

REMOVED = dt.datetime(2026, 3, 29, 23, 30, 5, tzinfo=dt.UTC)


def item(name: bytes = b"doc.txt", path: bytes = b"/mnt/docs/doc.txt") -> Item:
    return Item(name, path, REMOVED, "12-99")


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_the_info_file_is_as_the_specification_says() -> None:
    path = "/mnt/my docs/é%\n".encode() + b"\xff"
    assert (
        info_text(item(path=path)) == b"[Trash"
        b" Info]\nPath=/mnt/my%20docs/%C3%A9%25%0A%FF\nDeletionDate=2026-03-30T08:30:05\nX-Syncin-Mount=12-99\n"
    )


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5))
def test_every_path_can_be_read_back(parts: list[bytes]) -> None:
    path = b"/" + b"/".join(parts)
    try:
        lines = info_text(item(path=path)).split(b"\n")
    except NotForTrash:
        assert (
            b"\0" in path
            or b"//" in path
            or path.endswith(b"/")
            or {b".", b".."} & set(path.split(b"/"))
        )
        return
    assert [line.partition(b"=")[0] for line in lines] == [
        b"[Trash Info]",
        b"Path",
        b"DeletionDate",
        b"X-Syncin-Mount",
        b"",
    ]
    assert unquote_to_bytes(lines[1].removeprefix(b"Path=")) == path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"", b"/a"),
        (b".", b"/a"),
        (b"..", b"/a"),
        (b"a/b", b"/a"),
        (b"a\0", b"/a"),
        (b"a", b"a"),
        (b"a", b""),
        (b"a", b"/"),
        (b"a", b"/a/../b"),
        (b"a", b"/a//b"),
        (b"a", b"/a/."),
        (b"a", b"/a\0"),
        (b"a", b"/" + b"a/" * 2047 + b"aa"),
    ],
)
def test_what_leads_elsewhere_or_nowhere_is_refused(name: bytes, path: bytes) -> None:
    with pytest.raises(NotForTrash):
        item(name, path)


@pytest.mark.parametrize(
    ("name", "tried"),
    [
        (b"doc.txt", [b"doc.txt", b"doc.2.txt", b"doc.3.txt"]),
        (b"doc", [b"doc", b"doc.2", b"doc.3"]),
        (b".bashrc", [b".bashrc", b".bashrc.2", b".bashrc.3"]),
        (b"a.tar.gz", [b"a.tar.gz", b"a.tar.2.gz", b"a.tar.3.gz"]),
        (b"\xff.txt", [b"\xff.txt", b"\xff.2.txt", b"\xff.3.txt"]),
        (b"n" * 255, [b"n" * 245, b"n" * 243 + b".2", b"n" * 243 + b".3"]),
        (
            b"n" * 251 + b".txt",
            [b"n" * 241 + b".txt", b"n" * 239 + b".2.txt", b"n" * 239 + b".3.txt"],
        ),
        (
            "é".encode() * 127,
            ["é".encode() * 122, "é".encode() * 121 + b".2", "é".encode() * 121 + b".3"],
        ),
        (
            b"a." + b"s" * 250,
            [b"a." + b"s" * 243, b"a." + b"s" * 241 + b".2", b"a." + b"s" * 241 + b".3"],
        ),
    ],
)
def test_the_names_that_are_tried(name: bytes, tried: list[bytes]) -> None:
    assert list(itertools.islice(names(name), 3)) == tried


@given(st.binary(min_size=1, max_size=255))
def test_names_are_single_short_and_never_the_same(name: bytes) -> None:
    try:
        item(name)
    except NotForTrash:
        return
    tried = list(itertools.islice(names(name), 120))
    assert len(set(tried)) == len(tried)
    for each in tried:
        assert 0 < len(each) <= 245
        assert item(each).name == each


def test_the_cache_of_sizes_keeps_what_others_wrote() -> None:
    cache = b"4096 15 other%20one\n8192 16 a%0Ab\nodd\n"
    assert with_size(cache, b"a\nb", 12288, 17) == b"4096 15 other%20one\nodd\n12288 17 a%0Ab\n"
    assert with_size(b"", b"new", 1, 2) == b"1 2 new\n"


SESSION = {"XDG_CURRENT_DESKTOP": "GNOME", "DISPLAY": ":0"}


@pytest.mark.parametrize(
    ("setting", "environ", "where", "desktop"),
    [
        (Trash.AUTO, {}, {}, False),
        (Trash.AUTO, {"DISPLAY": ""}, {}, False),
        (Trash.AUTO, {"DISPLAY": ":0"}, {}, True),
        (Trash.AUTO, {"WAYLAND_DISPLAY": "wayland-0"}, {}, True),
        (Trash.AUTO, {"XDG_CURRENT_DESKTOP": "KDE"}, {}, True),
        (Trash.AUTO, {"XDG_SESSION_TYPE": "wayland"}, {}, True),
        (Trash.AUTO, {"XDG_SESSION_TYPE": "tty"}, {}, False),
        (
            Trash.AUTO,
            {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"},
            {},
            False,
        ),
        (Trash.AUTO, {**SESSION, "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, {}, True),
        (Trash.AUTO, SESSION, {"root": True}, False),
        (Trash.AUTO, SESSION, {"portable": True}, False),
        (Trash.OWN, SESSION, {}, False),
        (Trash.DESKTOP, {}, {"root": True, "portable": True}, True),
    ],
)
def test_where_there_is_a_desktop(
    setting: Trash, environ: dict[str, str], where: dict[str, Any], desktop: bool
) -> None:
    choice = choose(setting, environ, **{"root": False, "portable": False, **where})
    assert choice.desktop is desktop
    assert choice.why.startswith("as ")


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/home/user1"}, "/home/user1/.local/share/Trash"),
        ({"HOME": "/home/user1", "XDG_DATA_HOME": "/data"}, "/data/Trash"),
        ({"HOME": "/home/user1", "XDG_DATA_HOME": "data"}, "/home/user1/.local/share/Trash"),
        ({"HOME": "/home/user1", "XDG_DATA_HOME": ""}, "/home/user1/.local/share/Trash"),
        ({"XDG_DATA_HOME": "/data"}, "/data/Trash"),
        ({"HOME": "relative"}, None),
        ({}, None),
    ],
)
def test_where_the_home_trash_is(environ: dict[str, str], folder: str | None) -> None:
    assert home_trash(environ) == (None if folder is None else Path(folder))
