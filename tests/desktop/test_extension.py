"""What file managers load, without one: which drive a file is in, what is asked of its daemon, and
what comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncin_mount.control.state_messages import FileState
from syncin_mount.filemanager import book, drives, http, menu, words
from syncin_mount.filemanager.book import Book
from syncin_mount.filemanager.drives import Drive
from syncin_mount.filemanager.links import Links

_readlink = os.readlink


def drive(mountpoint: str, name: str = "docs") -> Drive:
    folder = f"file://{mountpoint}/"
    return Drive(name, mountpoint, "/run/x.sock", ("/usr/bin/x",), None, "", folder)


# drives -------------------------------------------------------------------------------------------
@pytest.fixture
def announcements(tmp_path: Path) -> Path:
    folder = tmp_path / "syncin-mount" / "drives"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    return folder


def announce(folder: Path, name: str, **more: object) -> Path:
    told = {
        "name": name,
        "mountpoint": f"/home/user1/{name}",
        "socket": f"/run/{name}.sock",
        "command": ["/usr/bin/syncin-mount"],
        **more,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(told))
    return path


def test_announced_drives_are_found(announcements: Path):
    announce(announcements, "docs", home="/elsewhere")
    announce(announcements, "ä b")
    (announcements / "docs.new").write_text("half a file")
    found = drives.announced(str(announcements), os.getuid())
    assert {each.name: each.home for each in found.values()} == {"docs": "/elsewhere", "ä b": None}
    assert {each.prefix for each in found.values()} == {
        "file:///home/user1/docs/",
        "file:///home/user1/%C3%A4%20b/",
    }


def test_a_daemon_that_started_again_announces_another_drive(announcements: Path):
    path = announce(announcements, "docs")
    [before] = drives.announced(str(announcements), os.getuid())
    os.utime(path, ns=(1, 1))
    [after] = drives.announced(str(announcements), os.getuid())
    assert before != after


@pytest.mark.parametrize(
    "told",
    [
        {"command": []},
        {"command": ["relative"]},
        {"mountpoint": "relative"},
        {"command": 7},
        {"mountpoint": None},
    ],
)
def test_nonsense_is_no_drive(announcements: Path, told: dict[str, object]):
    announce(announcements, "docs", **told)
    (announcements / "torn.json").write_text('{"name": ')
    assert drives.announced(str(announcements), os.getuid()) == {}


def test_a_folder_that_others_could_write_to_is_not_believed(announcements: Path):
    announce(announcements, "docs")
    for mode, path in ((0o770, announcements), (0o707, announcements.parent)):
        before = path.stat().st_mode
        path.chmod(mode)
        assert drives.announced(str(announcements), os.getuid()) == {}
        path.chmod(before)
    assert drives.announced(str(announcements), os.getuid() + 1) == {}
    assert drives.announced(str(announcements.parent / "none"), os.getuid()) == {}


def test_a_folder_that_a_file_manager_made_first_serves_the_daemons(tmp_path: Path):
    from syncin_mount.config import private_folder

    folder = tmp_path / "syncin-mount" / "drives"
    for _ in range(2):
        drives.make_folder(str(folder))
    private_folder(folder.parent)
    private_folder(folder)
    announce(folder, "docs")
    assert len(drives.announced(str(folder), os.getuid())) == 1


def test_the_folder_is_the_one_that_daemons_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from syncin_mount.config import Folders
    from syncin_mount.control.announcements import announced_at

    for environment in (
        {"SYNCIN_MOUNT_HOME": str(tmp_path)},
        {"XDG_RUNTIME_DIR": str(tmp_path / "run")},
        {},
    ):
        for name in ("SYNCIN_MOUNT_HOME", "XDG_RUNTIME_DIR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        written = announced_at(Folders.find(), "docs")
        assert drives.folder(dict(os.environ), os.getuid()) == str(written.parent)


def test_a_file_is_in_the_innermost_drive():
    outer, inner = drive("/home/a"), drive("/home/a/b", "inner")
    look = [inner, outer]
    assert drives.place("file:///home/a/b/c%20d/e", look) == (inner, "c d", "e")
    assert drives.place("file:///home/a/x", look) == (outer, "", "x")
    assert drives.place("file:///home/a", look) == (outer, "", "")
    assert drives.place("file:///home/a/b", look) == (inner, "", "")
    assert drives.place("file:///home/ab", look) is None
    assert drives.place("trash:///a", look) is None
    assert drives.place("file:///home/a/%ff", look) is None


def test_a_mount_point_is_known_as_file_managers_write_it():
    here = drive("/home/a@b/it's (mine) & 1+1=2, ok!")  # g_file_get_uri leaves these as they are
    written = "file:///home/a@b/it's%20(mine)%20&%201+1=2,%20ok!"
    assert drives.place(f"{written}/x/y", [here]) == (here, "x", "y")
    assert drives.place(written, [here]) == (here, "", "")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1))
def test_a_path_becomes_a_uri_and_again_a_path(name: str):
    here = drive("/home/a")
    uri = drives.uri(here, f"x/{name}")
    assert uri == Path(f"/home/a/x/{name}").as_uri() or name in {".", ".."}
    assert drives.place(uri, [here]) == (here, "x", name)


# links --------------------------------------------------------------------------------------------
def test_a_drive_below_a_symbolic_link_is_found(tmp_path: Path):
    (tmp_path / "real/drive/folder").mkdir(parents=True)
    for name, target in (("parent", "real"), ("to", "real/drive"), ("into", "parent/drive/folder")):
        (tmp_path / name).symlink_to(target)
    (tmp_path / "away").symlink_to("elsewhere")
    (tmp_path / "loop").symlink_to("loop")
    here = drive(f"{tmp_path}/real/drive")
    links = Links()
    links.use([here.mountpoint])

    def found(path: str) -> tuple[Drive, str, str] | None:
        return drives.place((tmp_path / path).as_uri(), [here], links.in_drive)

    assert found("real/drive/a/b") == found("parent/drive/a/b") == (here, "a", "b")
    assert found("to/a/b") == (here, "a", "b")
    assert found("parent/drive") == found("to") == (here, "", "")
    assert found("into/a/b") == (here, "folder/a", "b")
    assert found("into/a") == (here, "folder", "a")
    for path in ("into", "parent", "away/x", "loop/x", "real/x", "gone/x", "real/drive2/x"):
        assert found(path) is None
    others = {os.path.relpath(each, tmp_path) for each in links.others(here.mountpoint, "folder/a")}
    assert others == {"parent/drive/folder/a", "to/folder/a", "into/a"}


def test_a_link_that_leads_elsewhere_is_followed_again(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    here, now = drive(f"{tmp_path}/one"), [0.0]
    links = Links(lambda: now[0])
    links.use([here.mountpoint])
    link = tmp_path / "link"
    assert links.in_drive(f"{link}/x") is None
    link.symlink_to("one")
    now[0] += 10
    assert links.in_drive(f"{link}/x") == f"{here.mountpoint}/x"
    link.unlink()
    link.symlink_to("two")
    now[0] += 10
    assert links.in_drive(f"{link}/x") is None
    links.use([f"{tmp_path}/two"])
    assert links.in_drive(f"{link}/x") == f"{tmp_path}/two/x"


def test_nothing_in_a_drive_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It may hang, and the file manager with it."""
    (tmp_path / "real/drive").mkdir(parents=True)
    (tmp_path / "parent").symlink_to("real")
    looked = []

    def readlink(path: str) -> str:
        looked.append(path)
        return _readlink(path)

    monkeypatch.setattr(os, "readlink", readlink)
    links = Links()
    links.use([f"{tmp_path}/real/drive"])
    assert links.in_drive(f"{tmp_path}/parent/drive/a/b") == f"{tmp_path}/real/drive/a/b"
    assert looked
    assert not [each for each in looked if "/drive" in each]


# http ---------------------------------------------------------------------------------------------
def chunked(*parts: bytes) -> bytes:
    head = b"HTTP/1.1 200 \r\ncontent-type: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in parts)


@given(st.integers(1, 7))
def test_answers_are_whole_however_they_come_in_pieces(size: int):
    plain = b'HTTP/1.1 200 \r\ncontent-length: 14\r\n\r\n{"states": []}'
    data = plain + chunked(b'{"sta', b'tes": [1]}', b"") + plain
    answers = http.Answers(lines=False)
    found = []
    for start in range(0, len(data), size):
        found += answers.take(data[start : start + size])
    assert found == [{"states": []}, {"states": [1]}, {"states": []}]


@given(st.integers(1, 7))
def test_lines_come_while_the_answer_goes_on(size: int):
    data = chunked(b'{"a": 1}\n{"b"', b": 2}\n", b'{"c": 3}\n')
    answers = http.Answers(lines=True)
    found = []
    for start in range(0, len(data), size):
        found += answers.take(data[start : start + size])
    assert found == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 404 \r\ncontent-length: 2\r\n\r\n{}",
        b"\r\n\r\n",
        b"HTTP/1.1 200 \r\ncontent-length: x\r\n\r\n{}",
        b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n{[",
        chunked(b"") + b"zz\r\n",
    ],
)
def test_nonsense_is_said(data: bytes):
    with pytest.raises(http.Nonsense):
        http.Answers(lines=False).take(data)


def test_an_answer_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "LARGEST_ANSWER", 1000)
    answers = http.Answers(lines=True)
    answers.take(b"HTTP/1.1 200 \r\ncontent-length: 9999999\r\n\r\n")
    with pytest.raises(http.Nonsense):
        answers.take(b"x" * 1001)


# the book -----------------------------------------------------------------------------------------
def test_ten_thousand_files_are_asked_in_few_requests_that_a_daemon_takes():
    known = Book()
    names = [f"a file {number} ä" for number in range(10_000)]
    for name in names:
        assert known.state("d", name) is None
    asked: list[str] = []
    requests = 0
    while (question := known.question()) is not None:
        assert question["folder"] == "d"
        assert len(http.request("/states", question)) < 64 * 1024
        asked += question["names"]
        requests += 1
    assert asked == names
    assert requests < 30
    assert known.state("d", names[0]) is None
    assert not known.wants  # asked once


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255), max_size=300
    )
)
def test_no_request_is_too_long(names: list[str]):
    known = Book()
    for name in names:
        known.state("f" * 4000, name)
    while (question := known.question()) is not None:
        assert len(http.request("/states", question)) < 64 * 1024


def test_only_what_differs_is_told():
    known = Book()
    for name in ("a", "b"):
        known.state("d", name)
    known.question()
    assert known.answer(["synced", "waiting"]) == ["d/a", "d/b"]
    assert known.state("d", "b") == "waiting"
    told = {"folder": "d", "names": ["a", "b", "unseen"], "states": ["synced", "synced", "held"]}
    assert known.change(told) == ["d/b"]
    assert known.change({"folder": "unseen", "names": ["x"], "states": ["held"]}) == []
    assert not known.wants


def test_an_answer_that_a_change_overtook_is_asked_again():
    known = Book()
    known.state("d", "a")
    known.state("d", "b")
    question = known.question()
    known.change({"folder": "d", "names": ["a"], "states": ["waiting"]})
    known.answer(["synced", "synced"])  # given before the change
    assert known.question() == {"folder": "d", "names": ["a"]}
    assert known.answer(["waiting"]) == ["d/a"]
    assert question == {"folder": "d", "names": ["a", "b"]}
    assert not known.wants


def test_everything_is_asked_again_and_shown_until_then():
    known = Book()
    known.state("d", "a")
    known.question()
    known.answer(["waiting"])
    assert known.change({"everything": True}) == []
    assert known.state("d", "a") == "waiting"
    assert known.question() == {"folder": "d", "names": ["a"]}
    assert known.answer(["waiting"]) == []


def test_the_drive_itself_is_asked_again_with_what_is_in_it():
    known = Book()
    known.state("", "")
    known.state("", "a")
    known.question()
    known.answer(["synced", "synced"])
    assert known.change({"folder": "", "names": ["a"], "states": ["waiting"]}) == ["a"]
    assert known.question() == {"folder": "", "names": [""]}


def test_only_a_state_that_nobody_knows_and_that_was_asked_is_lacking():
    known = Book()
    known.state("d", "a")
    known.question()
    assert (known.lacks("d", {"a", "b"}), known.lacks("d", {"b"})) == (True, False)
    known.answer(["waiting"])
    known.change({"everything": True})  # the old one is shown until the answer is there
    assert not known.lacks("d", {"a"})


def test_a_lost_connection_has_its_questions_asked_again():
    known = Book()
    known.state("d", "a")
    question = known.question()
    known.unanswered()
    assert known.question() == question


def test_a_drive_that_goes_leaves_no_state():
    known = Book()
    for name in ("a", "b"):
        known.state("", name)
    known.question()
    known.answer(["synced", None])
    assert known.forget() == ["a"]
    assert (known.wants, known.waits) == (False, False)


def test_what_was_not_looked_at_for_long_is_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(book, "MOST_NAMES", 10)
    known = Book()
    for folder in ("old", "new"):
        for number in range(8):
            known.state(folder, f"{number}")
    assert known.question() == {"folder": "new", "names": [f"{number}" for number in range(8)]}
    assert known.question() is None


# words and menus ----------------------------------------------------------------------------------
def test_each_state_of_the_control_api_has_a_word_an_emblem_and_its_icon():
    states = {state.value for state in FileState}
    assert set(words.STATES) == set(words.EMBLEMS) == states
    icons = Path(words.__file__).parent / "icons"
    assert {f"emblem-{each}.svg" for each in words.EMBLEMS.values()} == {
        path.name for path in icons.glob("*.svg")
    }


def test_words_are_in_the_readers_language():
    from syncin_mount.language import catalogues

    german = words.Words({"LANG": "de_DE.UTF-8"})
    assert german.state("synced") == "Up to date"
    german.use(catalogues.folder())
    assert german.state("synced") == "Aktuell"
    french = words.Words({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:de"})
    french.use(catalogues.folder())
    assert french.state("synced") == "À jour"
    for environment in ({"LANG": "C"}, {"LANG": "en_GB"}, {"LANG": "xx"}, {}):
        english = words.Words(environment)
        english.use(catalogues.folder())
        assert english.state("synced") == "Up to date"
    german.use("/nowhere")
    assert (german.state("held"), german.state("new"), german.state(None)) == ("Held", "", "")


def acts(*states: str | None) -> list[str]:
    return [each.act for each in menu.items(list(states))]


def test_the_menu_offers_what_makes_sense():
    assert acts("synced") == ["server", "explain", "sync", "trash"]
    assert acts("waiting") == ["server", "explain", "sync", "hold", "trash"]
    assert acts("held") == ["server", "explain", "sync", "release", "trash"]
    assert acts("conflict") == ["server", "compare", "explain", "sync", "trash"]
    assert acts("waiting", "held", "synced") == ["sync", "hold", "release"]
    assert acts("local") == ["trash"]
    assert acts(None) == ["server", "explain", "sync", "trash"]
    assert acts() == acts("local", "local") == []
    assert menu.items(["waiting"])[1].label == "Why Is It Waiting?"
    assert menu.items(["synced"])[1].label == "Explain Its State"


def test_each_entry_has_its_command():
    from syncin_mount.cli.commands.desktop import ACTS

    states = [*words.STATES, None]
    assert {each.act for state in states for each in menu.items([state])} == set(ACTS)


def test_nothing_but_the_standard_library_is_imported():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "import filemanager.book, filemanager.drives, filemanager.links\n"
        "import filemanager.menu, filemanager.words\n"
        "print(*{m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    folder = Path(words.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["filemanager"]
