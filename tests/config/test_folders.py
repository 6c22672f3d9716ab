from __future__ import annotations

import os
import stat

import pytest

from syncin_mount.config import FolderError, Folders, private_folder


def test_one_folder_holds_everything(monkeypatch, tmp_path):
    monkeypatch.setenv("SYNCIN_MOUNT_HOME", str(tmp_path))
    folders = Folders.find()
    assert folders.portable
    places = (
        folders.config_file,
        folders.replica("a"),
        folders.log("a"),
        folders.socket("a"),
        folders.tokens,
    )
    assert all(tmp_path in place.parents for place in places)


def test_without_it_the_xdg_folders_are_used(monkeypatch, tmp_path):
    monkeypatch.delenv("SYNCIN_MOUNT_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folders = Folders.find()
    assert not folders.portable
    assert folders.config_file == tmp_path / "config/syncin-mount/config.toml"
    assert folders.replica("a") == tmp_path / "state/syncin-mount/replicas/a"


@pytest.mark.parametrize("length", [1, 90, 200])
def test_a_socket_path_always_fits(monkeypatch, tmp_path, length):
    monkeypatch.setenv("SYNCIN_MOUNT_HOME", str(tmp_path / ("x" * length)))
    folders = Folders.find()
    paths = {folders.socket(name) for name in ("one", "two", "n" * 60)}
    assert len(paths) == 3
    assert all(len(os.fsencode(path)) <= 107 for path in paths)
    assert folders.socket("one") in paths


def test_a_private_folder_is_closed_to_others(tmp_path):
    folder = private_folder(tmp_path / "new/deeper")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        FolderError,
        match=r"cannot be used \(.*\); make it writable for you or set SYNCIN_MOUNT_HOME",
    ):
        private_folder(tmp_path / "file")
