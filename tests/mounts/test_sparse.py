"""Sparse files in a mounted drive, with the programs that people copy them with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

MIB = 1 << 20
DATA = 100_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """64 MiB, of which 0.2 are data."""
    path = tmp_path / "source"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
        for offset in (0, 40 * MIB):
            os.pwrite(file.fileno(), b"d" * DATA, offset)
    return path


def space(path: Path) -> int:
    return os.stat(path).st_blocks * 512


def run(*words: str | Path) -> None:
    subprocess.run(words, check=True, timeout=60, capture_output=True)


def test_copies_into_the_drive_in_it_and_out_of_it_stay_sparse(drive, source, tmp_path):
    within, again, out = drive.path / "within", drive.path / "again", tmp_path / "out"
    for one, other in ((source, within), (within, again), (again, out)):
        run("cp", one, other)
        assert os.stat(other).st_size == 64 * MIB
        assert 2 * DATA <= space(other) <= 4 * DATA, other
    run("cmp", source, out)
    drive.again()
    assert space(within) == space(again) <= 4 * DATA
    [told] = [
        line
        for line in subprocess.check_output(["du", "-k", within], text=True).split("\n")
        if line
    ]
    assert int(told.split()[0]) * 1024 <= 4 * DATA


def test_archives_of_sparse_files_are_small(drive, source, tmp_path):
    run("cp", source, drive.path / "file")
    archive = tmp_path / "archive"
    run("tar", "-C", drive.path, "-Scf", archive, "file")
    assert archive.stat().st_size < 4 * DATA
    (drive.path / "folder").mkdir()
    run("tar", "-C", drive.path / "folder", "-xSf", archive)
    assert space(drive.path / "folder" / "file") <= 4 * DATA
    run("cmp", source, drive.path / "folder" / "file")


def test_a_file_that_is_all_hole_takes_nothing_and_one_being_written_does_not_look_like_that(
    drive, tmp_path
):
    hole = drive.path / "hole"
    with hole.open("wb") as file:
        file.truncate(8 * MIB)
    assert space(hole) == 0
    with (drive.path / "written").open("wb") as file:
        # the drive knows the size; what is written now is in the kernel's memory
        file.truncate(MIB)
        file.write(b"w" * MIB)
        file.flush()
        assert space(drive.path / "written") > 0
        archive = tmp_path / "archive"
        run("tar", "-C", drive.path, "-Scf", archive, "written")
        assert archive.stat().st_size > MIB
    assert space(drive.path / "written") >= MIB


def test_content_that_is_not_here_is_no_hole(drive):
    drive.call("place_file", path="far", size=MIB, mtime=1_700_000_000)
    assert space(drive.path / "far") == MIB
