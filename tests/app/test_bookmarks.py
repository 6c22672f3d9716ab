"""A drive is put into the sidebars of file managers, and taken out again; whatever else is there
stays as it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncin_mount.app.settings import bookmarks
from syncin_mount.app.settings.bookmarks import (
    add_bookmark,
    gtk_added,
    gtk_removed,
    move_bookmark,
    remove_bookmark,
)
from syncin_mount.app.settings.places import xbel_added, xbel_removed
from syncin_mount.config import Folders

URI = "file:///home/user1/my%20drive"
XBEL = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xbel>
<xbel xmlns:bookmark="http://www.freedesktop.org/standards/desktop-bookmarks">
 <bookmark href="file:///home/user1">
  <title>Home &amp; all</title>
  <info><metadata owner="http://www.kde.org"><ID>1/0</ID></metadata></info>
 </bookmark>
 <separator/>
</xbel>
"""


@given(
    st.lists(st.sampled_from([f"{URI}x label", "file:///a", "", "sftp://b c d", "  odd "])),
    st.booleans(),
)
def test_a_line_is_added_once_and_taken_away_without_a_trace(lines: list[str], ended: bool):
    text = "\n".join(lines) + ("\n" if ended and lines else "")
    added = gtk_added(text, URI, "my docs")
    assert added.splitlines()[-1] == f"{URI} my docs"
    assert gtk_added(added, URI, "again") == added
    assert gtk_removed(added, URI).rstrip("\n") == text.rstrip("\n")
    assert gtk_removed(text, URI) == text


def test_an_address_that_a_file_manager_wrote_is_the_same():
    uri = Path("/home/a@b/it's (mine) & all").as_uri()
    written = "file:///home/a@b/it's%20(mine)%20&%20all"  # as g_file_get_uri has it
    line = f"{written} Mine\n"
    assert gtk_added(line, uri, "again") == line
    assert gtk_removed(f"file:///b\n{line}", uri) == "file:///b\n"
    added = xbel_added(XBEL, uri, "Mine")
    rewritten = added.replace(uri, written.replace("&", "&amp;"))
    assert rewritten != added
    assert xbel_added(rewritten, uri, "again") == rewritten
    assert xbel_removed(rewritten, uri) == XBEL


def test_a_label_stays_in_its_line():
    assert gtk_added("", URI, "two\nlines") == f"{URI} two lines\n"


def test_a_place_is_added_once_and_taken_away_without_a_trace():
    added = xbel_added(XBEL, URI, "a <b> & c")
    found = ET.fromstring(added.encode())
    titles = [each.findtext("title") for each in found.iter("bookmark")]
    assert titles == ["Home & all", "a <b> & c"]
    assert xbel_added(added, URI, "again") == added
    assert xbel_removed(added, URI) == XBEL


def test_somebodys_own_place_is_nobody_elses():
    own = XBEL.replace("file:///home/user1", URI)
    assert xbel_added(own, URI, "x") == own
    assert xbel_removed(own, URI) == own


@pytest.mark.parametrize(
    "text", ["", "no xml", "<xbel>", XBEL.replace("xmlns:bookmark", "xmlns:other"), "</xbel>"]
)
def test_what_is_no_file_of_places_is_left_alone(text: str):
    assert xbel_added(text, URI, "x") == text
    assert xbel_removed(text, URI) == text


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def folders(home: Path, *, portable: bool = False) -> Folders:
    return Folders(home / "c", home / "s", home / "r", portable=portable)


def test_both_desktops_get_it_and_lose_it(home: Path):
    gtk, kde = home / ".config/gtk-3.0/bookmarks", home / ".local/share/user-places.xbel"
    gtk.parent.mkdir(parents=True)
    kde.parent.mkdir(parents=True)
    kde.write_text(XBEL)
    kde.chmod(0o600)
    drive = home / "my drive"
    assert add_bookmark(folders(home), drive, "docs")
    assert gtk.read_text() == f"{drive.as_uri()} docs\n"
    assert drive.as_uri() in kde.read_text()
    assert kde.stat().st_mode & 0o777 == 0o600
    move_bookmark(folders(home), drive, home / "other", "docs")
    assert gtk.read_text() == f"{(home / 'other').as_uri()} docs\n"
    move_bookmark(folders(home), drive, home / "third", "docs")
    assert (home / "third").as_uri() not in gtk.read_text()
    remove_bookmark(folders(home), home / "other")
    assert (gtk.read_text(), kde.read_text()) == ("", XBEL)


def test_without_a_desktop_nothing_is_made(home: Path):
    assert not add_bookmark(folders(home), home / "d", "docs")
    remove_bookmark(folders(home), home / "d")
    assert list(home.iterdir()) == []
    (home / ".config/gtk-3.0").mkdir(parents=True)
    assert bookmarks.sidebars(folders(home, portable=True)) == []
    assert len(bookmarks.sidebars(folders(home))) == 1


def test_a_file_that_is_no_text_keeps_its_bytes(home: Path):
    gtk = home / ".config/gtk-3.0/bookmarks"
    gtk.parent.mkdir(parents=True)
    gtk.write_bytes(b"file:///\xff odd\n")
    add_bookmark(folders(home), home / "d", "docs")
    remove_bookmark(folders(home), home / "d")
    assert gtk.read_bytes() == b"file:///\xff odd\n"


@pytest.mark.parametrize(
    "tail",
    [
        "<!-- the end: </xbel> -->\n",
        f'<!-- <bookmark href="{URI}"><title>x</title></bookmark> -->\n',
        "<?a </xbel>?>\n\n",
    ],
)
def test_what_stands_behind_the_places_is_no_part_of_them(tail: str):
    added = xbel_added(XBEL + tail, URI, "docs")
    assert added.endswith("</xbel>\n" + tail)
    titles = [each.findtext("title") for each in ET.fromstring(added.encode()).iter("bookmark")]
    assert titles == ["Home & all", "docs"]
    assert xbel_removed(added, URI) == XBEL + tail


def test_a_place_in_a_comment_is_nobodys():
    inside = XBEL.replace("<separator/>", f'<!-- <bookmark href="{URI}"></bookmark> -->')
    assert xbel_removed(inside, URI) == inside
    added = xbel_added(inside, URI, "docs")
    assert added != inside
    assert xbel_removed(added, URI) == inside


@pytest.fixture
def kde(home: Path) -> Path:
    path = home / ".local/share/user-places.xbel"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-8-sig", "ascii", "koi8-r"])
def test_places_keep_their_encoding(home: Path, kde: Path, encoding: str):
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    title = "Home &amp; all" if encoding == "ascii" else "Дом" if encoding == "koi8-r" else "Müßig"
    text = XBEL.replace("UTF-8", declared).replace("Home &amp; all", title)
    kde.write_bytes(text.encode(encoding))
    drive = home / "my ü drive"
    assert add_bookmark(folders(home), drive, "Größe Ж €")
    titles = [each.findtext("title") for each in ET.fromstring(kde.read_bytes()).iter("bookmark")]
    assert titles == [title.replace("&amp;", "&"), "Größe Ж €"]
    remove_bookmark(folders(home), drive)
    assert kde.read_bytes() == text.encode(encoding)


@pytest.mark.expected_log("stay as they are", required=False)
@pytest.mark.parametrize(
    "data",
    [
        XBEL.replace("Home", "M\xfc").encode("latin-1"),  # it says that it is UTF-8
        XBEL.replace("UTF-8", "of-nobody").encode(),
        b"\xff\xfe\x00",
        b"",
        b"<xbel/>",
        b"<html></html>",
    ],
)
def test_what_is_no_list_of_places_is_told_and_stays(home: Path, kde: Path, data: bytes):
    gtk = home / ".config/gtk-3.0/bookmarks"
    gtk.parent.mkdir(parents=True)
    kde.write_bytes(data)
    with pytest.raises(OSError, match="is no list of places"):
        add_bookmark(folders(home), home / "d", "docs")
    assert gtk.read_text() == f"{(home / 'd').as_uri()} docs\n", "the other sidebar has it"
    move_bookmark(folders(home), home / "d", home / "e", "docs")
    remove_bookmark(folders(home), home / "e")
    assert (kde.read_bytes(), gtk.read_text()) == (data, "")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent.parent / "away")


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.timeout(20)
@pytest.mark.expected_log("stay as they are")
@pytest.mark.parametrize("make", [_pipe, Path.mkdir, _dangling, _loop])
def test_what_is_no_file_is_told_and_never_waited_for(home: Path, make: Callable[[Path], None]):
    gtk = home / ".config/gtk-3.0/bookmarks"
    gtk.parent.mkdir(parents=True)
    make(gtk)
    with pytest.raises(
        OSError, match=r"ordinary file|a directory|No such file|Too many levels"
    ) as raised:
        add_bookmark(folders(home), home / "d", "docs")
    assert raised.value.strerror
    move_bookmark(folders(home), home / "d", home / "e", "docs")
    remove_bookmark(folders(home), home / "d")
    assert gtk.is_symlink() or gtk.exists()
    assert not (home / ".config/away").exists()


def test_bookmarks_of_before_gtk_3_are_not_hidden_by_the_new_file(home: Path):
    """GTK reads the old file only as long as the new one is not there."""
    (home / ".gtk-bookmarks").write_text("file:///foreign Mine\n")
    add_bookmark(folders(home), home / "d", "docs")
    gtk = home / ".config/gtk-3.0/bookmarks"
    assert gtk.read_text() == f"file:///foreign Mine\n{(home / 'd').as_uri()} docs\n"
    assert (home / ".gtk-bookmarks").read_text() == "file:///foreign Mine\n"


def test_a_label_with_what_ends_a_line_of_text_stays_whole():
    foreign = f"file:///b one\u2028{URI} two\x0c\x85\n"
    assert gtk_removed(foreign, URI) == foreign
    assert gtk_removed(f"{foreign}{URI}", URI) == foreign


def test_what_another_program_writes_meanwhile_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch):
    gtk = home / ".config/gtk-3.0/bookmarks"
    gtk.parent.mkdir(parents=True)
    written = list[int]()

    def added(text: str, uri: str, label: str) -> str:
        if not written:
            written.append(gtk.write_text("file:///meanwhile\n"))
        return gtk_added(text, uri, label)

    monkeypatch.setattr(bookmarks, "gtk_added", added)
    add_bookmark(folders(home), home / "d", "docs")
    assert gtk.read_text() == f"file:///meanwhile\n{(home / 'd').as_uri()} docs\n"
