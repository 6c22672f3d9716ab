"""`reconciler` is the program's own, whoever else has a package of that name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from syncin_mount import own_packages

ROOT = Path(__file__).parents[1]


def python(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it where ``folder`` comes first among what can be imported, as the current folder does
    with ``-c``."""
    return subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A folder with another package `reconciler`."""
    (tmp_path / "reconciler").mkdir()
    (tmp_path / "reconciler" / "__init__.py").write_text("")
    return tmp_path


def test_a_checkout_and_a_wheel_have_it_in_other_folders(tmp_path: Path) -> None:
    package = tmp_path / "syncin_mount"
    package.mkdir()
    assert own_packages.folder(str(package)) == str(tmp_path)
    (package / "_own").mkdir()
    assert own_packages.folder(str(package)) == str(package / "_own")


def test_another_package_of_that_name_does_not_come_first(stranger: Path) -> None:
    done = python("import syncin_mount, reconciler; print(reconciler.__file__)", stranger)
    assert done.stderr == ""
    assert Path(done.stdout.strip()) == Path(reconciler.__file__ or "")


def test_a_process_that_has_another_is_told(stranger: Path) -> None:
    done = python("import reconciler, syncin_mount", stranger)
    assert done.returncode == 1
    assert "ImportError: this process has loaded another package with the name" in done.stderr
    assert str(stranger / "reconciler" / "__init__.py") in done.stderr


def test_one_finder_is_enough() -> None:
    own_packages.lead()
    own_packages.lead()
    assert sum(isinstance(each, own_packages.OwnPackages) for each in sys.meta_path) == 1
