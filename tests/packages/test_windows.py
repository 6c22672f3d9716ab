"""What makes the zip and the installer for Windows. `./dev soak installer` builds both, and
installs, uses and uninstalls them under Wine."""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = [Path("a.exe"), Path("in/b.py"), Path("in/side/c$d.py"), Path("z/deep/er/e")]


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "platform" / "packages"))
    import windows

    return windows


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path in reversed(FILES):
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(path.name)
    return tmp_path / "tree"


def test_each_file_is_installed_into_its_folder(windows: Any, tree: Path) -> None:
    assert windows.installing(tree, FILES) == [
        'SetOutPath "$INSTDIR"',
        f'File "{tree}/a.exe"',
        'SetOutPath "$INSTDIR\\in"',
        f'File "{tree}/in/b.py"',
        'SetOutPath "$INSTDIR\\in\\side"',
        f'File "{tree}/in/side/c$$d.py"',
        'SetOutPath "$INSTDIR\\z\\deep\\er"',
        f'File "{tree}/z/deep/er/e"',
    ]


def test_exactly_that_is_removed_and_inner_folders_before_outer_ones(windows: Any) -> None:
    lines = windows.removing(FILES)
    assert [line for line in lines if line.startswith("Delete")] == [
        'Delete "$INSTDIR\\a.exe"',
        'Delete "$INSTDIR\\in\\b.py"',
        'Delete "$INSTDIR\\in\\side\\c$$d.py"',
        'Delete "$INSTDIR\\z\\deep\\er\\e"',
    ]
    assert [line for line in lines if line.startswith('RMDir "')] == [
        'RMDir "$INSTDIR\\z\\deep\\er"',
        'RMDir "$INSTDIR\\z\\deep"',
        'RMDir "$INSTDIR\\z"',
        'RMDir "$INSTDIR\\in\\side"',
        'RMDir "$INSTDIR\\in"',
    ]
    whole = [line for line in lines if line.startswith("RMDir /r")]
    assert all(line.endswith('\\__pycache__"') for line in whole)
    assert len(whole) == 5


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1_800_000_001, (2027, 1, 15, 8, 0, 0)), (0, (1980, 1, 1, 0, 0, 0))],
)
def test_a_zip_tells_the_commits_time_alone(
    windows: Any, tree: Path, seconds: int, told: tuple[int, ...]
) -> None:
    one, other = tree.parent / "one.zip", tree.parent / "other.zip"
    windows._zip(tree, one, seconds)
    (tree / "a.exe").chmod(0o700)
    (tree / "a.exe").touch()
    windows._zip(tree, other, seconds)
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as zipped:
        assert zipped.namelist() == [f"tree/{path}" for path in FILES]
        assert {each.date_time for each in zipped.infolist()} == {told}
        assert zipped.read("tree/in/b.py") == b"b.py"


OTHERS = "C:\\Tools;%USERPROFILE%\\bin;;C:\\Mine"
OURS = "C:\\Users\\me\\syncin-mount"


@pytest.mark.parametrize(
    ("path", "what", "expected"),
    [
        ("", "add", OURS),
        (OTHERS, "add", f"{OTHERS};{OURS}"),
        (f"{OTHERS};", "add", f"{OTHERS};{OURS}"),
        (f"{OURS.upper()};{OTHERS}", "add", f"{OURS.upper()};{OTHERS}"),
        (f"{OTHERS};{OURS}", "remove", OTHERS),
        (f"{OURS.upper()};{OTHERS};{OURS}", "remove", OTHERS),
        (OURS, "remove", ""),
        (f"{OTHERS};{OURS}2", "remove", f"{OTHERS};{OURS}2"),
        ("", "remove", ""),
    ],
)
def test_on_the_path_is_the_folder_once_and_all_else_as_it_was(
    windows: Any, monkeypatch: pytest.MonkeyPatch, path: str, what: str, expected: str
) -> None:
    monkeypatch.syspath_prepend(str(windows.SOURCES))
    assert importlib.import_module("on_path").changed(path, what, OURS) == expected


def test_what_brings_no_licence_has_one_here(windows: Any) -> None:
    told = (windows.SOURCES / "licences" / "winfspy.txt").read_text()
    pinned = (ROOT / "constraints.txt").read_text()
    assert f"winfspy=={told.split()[3]}" in pinned.split()
    assert "Permission is hereby granted" in told
