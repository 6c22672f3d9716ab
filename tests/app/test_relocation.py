"""A drive gets another mount point; what cannot be one is told before anything happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncin_mount.app.errors import MountpointHoldsFiles, NotPossible
from syncin_mount.app.settings.relocation import relocate
from syncin_mount.app.synchronizations.editing import Edits
from syncin_mount.app.synchronizations.mountpoint import has_rest_of_import
from syncin_mount.config import ConfigurationFile
from tests.app.test_drive import Computer
from tests.small_disk import small_disk


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "program")


def mountpoint(computer: Computer) -> Path:
    return ConfigurationFile(computer.folders).read().synchronizations["docs"].mountpoint


async def test_an_unmounted_one_appears_there_next_time(computer: Computer, tmp_path: Path):
    done = await relocate(computer.folders, "docs", Edits(mountpoint=tmp_path / "new/place"))
    assert (done.not_mounted, done.edited.mounted) == (None, False)
    assert mountpoint(computer) == tmp_path / "new/place"
    assert (tmp_path / "new/place").is_dir()


async def test_what_is_full_or_the_program_s_own_changes_nothing(
    computer: Computer, tmp_path: Path
):
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    for place, error in ((full, MountpointHoldsFiles), (computer.folders.state, NotPossible)):
        with pytest.raises(error):
            await relocate(computer.folders, "docs", Edits(mountpoint=place))
    assert mountpoint(computer) == computer.docs.mountpoint


async def test_where_something_is_mounted_nothing_moves_to(computer: Computer, tmp_path: Path):
    with small_disk(tmp_path / "disk", "tmpfs", 1) as disk:
        with pytest.raises(NotPossible, match="is a mount point already"):
            await relocate(computer.folders, "docs", Edits(mountpoint=disk.path))
        assert mountpoint(computer) == computer.docs.mountpoint


async def test_a_drive_that_is_there_is_told_what_is_wrong_before_it_goes(
    computer: Computer, tmp_path: Path
):
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    async with computer.mounted(), computer.drive() as drive:
        with pytest.raises(MountpointHoldsFiles):
            await relocate(computer.folders, "docs", Edits(mountpoint=full))
        assert (await drive.status()).mounted  # it answers still


def test_the_rest_of_an_import_is_what_is_left_where_the_drive_appears(computer: Computer):
    replica = computer.folders.replica("docs")
    computer.docs.mountpoint.mkdir(parents=True)
    (computer.docs.mountpoint / "left").touch()
    assert not has_rest_of_import(computer.folders, computer.docs)  # nobody imported
    replica.mkdir(parents=True)
    (replica / "imported").touch()
    assert has_rest_of_import(computer.folders, computer.docs)
    (computer.docs.mountpoint / "left").unlink()
    assert not has_rest_of_import(computer.folders, computer.docs)
