"""Where a drive can be mounted, and what is said when it cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from syncin_mount.vfs import MountError, MountpointNotEmpty
from syncin_winfsp import frontend, mountpoint
from tests.winfsp.mounted import Mounted


def test_winfsp_makes_the_folder_itself(tmp_path: Path) -> None:
    place = tmp_path / "above" / "drive"
    frontend.prepare(place)
    assert place.parent.is_dir()
    assert not place.exists()
    place.mkdir()
    frontend.prepare(place)
    assert not place.exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MountpointNotEmpty, match="file"):
        frontend.prepare(tmp_path)
    assert (tmp_path / "file").exists()


def test_what_is_no_folder_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("kept")
    with pytest.raises(MountError, match="choose another folder"):
        frontend.prepare(place)
    assert place.read_text() == "kept"


@pytest.mark.parametrize("letter", ["X:", "x:\\"])
def test_a_letter_that_is_in_use_is_refused(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path(letter)
    assert mountpoint.is_letter(place)
    used = {letter, str(place)}
    monkeypatch.setattr(os.path, "lexists", lambda path: str(path) in used)
    with pytest.raises(MountError, match="is in use"):
        frontend.prepare(place)
    used.clear()
    frontend.prepare(place)


@pytest.mark.parametrize("place", ["X", "XY:", "folder", "X:\\folder"])
def test_what_is_no_letter(place: str) -> None:
    assert not mountpoint.is_letter(Path(place))


def test_without_winfsp_it_is_said_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "winfspy", None)
    with pytest.raises(MountError, match=r"winfsp\.dev.*Bill Zissimopoulos"):
        frontend.prepare(tmp_path / "drive")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the library never refuses")
def test_what_winfsp_refuses_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from winfspy import driver

    monkeypatch.setattr(driver, "REFUSES_TO_MOUNT", True)
    drive = Mounted(tmp_path / "replica")
    drive.start()
    drive.stop()
    assert isinstance(drive.failure, ExceptionGroup)
    [failure] = drive.failure.exceptions
    assert isinstance(failure, MountError)
    assert "OBJECT_NAME_COLLISION" in str(failure)
    assert driver._drivers == {}
