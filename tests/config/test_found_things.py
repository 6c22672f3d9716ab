"""What a variable, an option or a link points at, and what was there before us, keeps its mode,
kind and content.

Devices here are made for the test: nothing in /dev is ever a target.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from syncin_mount.cli.commands.completion import _rewrite
from syncin_mount.config import (
    ConfigurationError,
    ConfigurationFile,
    FolderError,
    Folders,
    private_folder,
)
from syncin_mount.config.files import open_to_append, write_atomic
from syncin_mount.config.folders import MARK

READING = (("list",), ("doctor",), ("logs", "x"))


def seen(*paths: Path) -> list[Any]:
    """All of the paths that a command might change by accident, and what lies in folders."""
    found = []
    for path in paths:
        info = path.lstat()
        below = sorted(os.listdir(path)) if stat.S_ISDIR(info.st_mode) else None
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else None
        found.append(
            (
                path,
                info.st_mode,
                info.st_uid,
                info.st_gid,
                info.st_rdev,
                info.st_ino,
                below,
                content,
            )
        )
    return found


def device(path: Path) -> Path:
    """A null device of our own."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.chmod(0o666)
    except PermissionError:
        pytest.skip("only root makes devices")
    return path


def shared(path: Path, mode: int) -> Path:
    path.mkdir()
    (path / "somebody's").write_text("file")
    path.chmod(mode)
    return path


def run(
    words: tuple[str, ...], variable: str, place: Path, base: Path
) -> subprocess.CompletedProcess[str]:
    base.mkdir(exist_ok=True)
    env = {
        key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "SYNCIN_"))
    }
    env |= {"HOME": str(base), variable: str(place)}
    command = [sys.executable, "-m", "syncin_mount", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("kind", ["sticky", "group", "file", "device", "fifo", "link"])
def test_a_home_that_is_not_ours_is_refused_and_stays_as_it_is(
    tmp_path: Path, words: tuple[str, ...], kind: str
):
    place = tmp_path / "place"
    if kind in {"sticky", "group"}:
        shared(place, 0o1777 if kind == "sticky" else 0o775)
    elif kind == "file":
        place.write_text("x")
        place.chmod(0o644)
    elif kind == "device":
        device(place)
    elif kind == "fifo":
        os.mkfifo(place, 0o644)
    else:
        place.symlink_to(shared(tmp_path / "target", 0o777))
    before = seen(*(tmp_path / name for name in os.listdir(tmp_path)))
    done = run(words, "SYNCIN_MOUNT_HOME", place, tmp_path.with_name(f"{tmp_path.name}-home"))
    assert done.returncode != 0
    assert str(place) in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert seen(*(each[0] for each in before)) == before


@pytest.mark.slow
@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize(
    "variable", ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"]
)
def test_what_a_variable_of_the_desktop_points_at_stays_as_it_is(
    tmp_path: Path, words: tuple[str, ...], variable: str
):
    place = shared(tmp_path / "place", 0o1777)
    there = place / "syncin-mount"
    shared(there, 0o777)
    before = seen(place, there)
    run(words, variable, place, tmp_path / "home")
    assert seen(place, there) == before


@pytest.mark.slow
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_home_that_somebody_made_is_used_and_keeps_its_mode(
    tmp_path: Path, words: tuple[str, ...]
):
    place = shared(tmp_path / "place", 0o755)
    before = seen(place)[0][1]
    run(words, "SYNCIN_MOUNT_HOME", place, tmp_path / "home")
    assert place.lstat().st_mode == before


def test_what_the_program_made_is_closed_again(tmp_path: Path):
    folders = Folders(
        tmp_path / "a/config", tmp_path / "a/state", tmp_path / "a/run", portable=False
    )
    folders.make()
    private_folder(folders.tokens)
    for folder in (folders.config, folders.state, folders.tokens):
        folder.chmod(0o777)
    folders.keep_others_out()
    private_folder(folders.tokens)
    modes = [
        stat.S_IMODE(folder.stat().st_mode)
        for folder in (folders.config, folders.state, folders.tokens)
    ]
    assert modes == [0o755, 0o700, 0o700]
    assert not (tmp_path / "a" / MARK).exists(), "what lies above is not the program's own"


@pytest.mark.parametrize("owner", [0o022, 0o077])
def test_an_open_folder_that_the_program_did_not_make_is_named(tmp_path: Path, owner: int):
    folders = Folders(tmp_path / "config", tmp_path / "state", tmp_path / "run", portable=False)
    place = shared(folders.config if owner == 0o022 else folders.state, 0o777)
    with pytest.raises(FolderError, match=rf"{place} .* chmod g") as caught:
        folders.keep_others_out()
    assert stat.S_IMODE(place.stat().st_mode) == 0o777
    place.chmod(0o755 if owner == 0o022 else 0o700)
    folders.keep_others_out()
    assert "\n" not in str(caught.value)


def test_a_mark_behind_a_link_makes_nothing_ours(tmp_path: Path):
    target = shared(tmp_path / "target", 0o777)
    (target / MARK).touch()
    (tmp_path / "state").symlink_to(target)
    for path in (tmp_path / "state", tmp_path / "state/deeper"):
        (target / "deeper").mkdir(exist_ok=True)
        (target / "deeper").chmod(0o777)
        with pytest.raises(FolderError):
            private_folder(path)
    assert stat.S_IMODE(target.stat().st_mode) == 0o777
    assert stat.S_IMODE((target / "deeper").stat().st_mode) == 0o777


def test_a_device_in_the_place_of_a_file_is_not_replaced(tmp_path: Path):
    (tmp_path / "link").symlink_to(device(tmp_path / "null"))
    before = seen(tmp_path / "null")
    for name in ("null", "link"):
        with pytest.raises(OSError, match="no ordinary file"):
            write_atomic(tmp_path / name, b"x")
        with pytest.raises(OSError, match="no ordinary file"):
            _rewrite(tmp_path / name, "a line")
    assert seen(tmp_path / "null") == before


def test_a_file_that_cannot_be_replaced_is_named_itself(tmp_path: Path):
    """And not the file beside it, of whose name nobody knows."""
    resource = pytest.importorskip("resource", reason="Windows has no limit of a file's size")
    for path in (tmp_path / "gone" / "file", tmp_path / "file"):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            with pytest.raises(OSError, match=r"No such file|File too large") as caught:
                write_atomic(path, b"x")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_leads_elsewhere_changes_no_mode_there(tmp_path: Path):
    (tmp_path / "other").write_text("")
    (tmp_path / "other").chmod(0o644)
    for name, target in (("a.log", device(tmp_path / "null")), ("b.log", tmp_path / "other")):
        (tmp_path / name).symlink_to(target)
        os.close(open_to_append(tmp_path / name))
    assert stat.S_IMODE((tmp_path / "null").stat().st_mode) == 0o666
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o644
    (tmp_path / "other").chmod(0o644)
    os.close(open_to_append(tmp_path / "other"))
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o600, (
        "a log of ours, by its own name"
    )


@pytest.mark.parametrize("kind", ["fifo", "device", "folder"])
def test_a_configuration_that_is_no_file_is_named_and_holds_nobody_up(tmp_path: Path, kind: str):
    path = tmp_path / "config.toml"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        device(path)
    else:
        path.mkdir()
    before = seen(path)
    file = ConfigurationFile(Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True))
    for act in (file.read, lambda: file.update(lambda now: now)):
        with pytest.raises(ConfigurationError, match="no ordinary file"):
            act()
    assert seen(path) == before


def test_a_start_file_keeps_its_bytes_and_mode(tmp_path: Path):
    start = tmp_path / "start"
    start.write_bytes(b"one\r\ntwo \x85\xff\xe2\x80\xa8three\x0b\n")
    start.chmod(0o640)
    _rewrite(start, "ours  # syncin-mount completion")
    _rewrite(start, None)
    assert start.read_bytes() == b"one\r\ntwo \x85\xff\xe2\x80\xa8three\x0b\n"
    assert stat.S_IMODE(start.stat().st_mode) == 0o640
