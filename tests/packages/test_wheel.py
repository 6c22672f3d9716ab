"""The wheel and the source archive: what is in them, that they are the same whoever builds them,
and that the program works from them, away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from syncin_mount.mount_table import mounts
from tests.cli.test_self_check import library_in
from tests.packages.environment import Installed, install

ROOT = Path(__file__).parents[2]
ARCHIVES = ROOT / "platform" / "packages" / "archives.py"


def build(script: Path, folder: Path, **environment: str) -> tuple[Path, Path]:
    """Return the source archive and the wheel."""
    subprocess.run(
        [sys.executable, script, folder],
        check=True,
        capture_output=True,
        env=os.environ | environment,
        timeout=100,
    )
    [source], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(ARCHIVES, tmp_path_factory.mktemp("dist"), SOURCE_DATE_EPOCH="1800000000")


@pytest.fixture(scope="module")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(archives[1], tmp_path_factory.mktemp("installed"))


def test_the_same_commit_makes_the_same_bytes(archives: tuple[Path, Path], tmp_path: Path) -> None:
    again = build(ARCHIVES, tmp_path, SOURCE_DATE_EPOCH="1800000000", TZ="Asia/Tokyo", LC_ALL="C")
    assert [made.name for made in again] == [made.name for made in archives]
    assert [made.read_bytes() for made in again] == [made.read_bytes() for made in archives]


def test_sources_and_source_archive_build_the_same_wheel(
    archives: tuple[Path, Path], tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1800000000"},
        timeout=100,
    )
    [direct] = tmp_path.iterdir()
    assert direct.read_bytes() == archives[1].read_bytes()


def test_nothing_in_site_packages_has_a_name_that_another_package_could_have(
    installed: Installed,
) -> None:
    there = {path.name for path in installed.packages.iterdir()}
    assert there - {"dependencies.pth"} == {
        "syncin_fuse",
        "syncin_mount",
        "syncin_mount-0.1.0.dist-info",
        "syncin_winfsp",
    }


def test_the_program_has_its_own_reconciler_beside_another_package_of_that_name(
    installed: Installed,
) -> None:
    stranger = installed.packages / "reconciler"
    stranger.mkdir()
    (stranger / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    probe = "import syncin_mount, reconciler.planner as p, syncin_fuse as f; print(p.__file__, f)"
    try:
        done = installed.run("python", "-c", probe)
        status = installed.run("syncin-mount", "status")
    finally:
        (stranger / "__init__.py").unlink()
        stranger.rmdir()
    assert done.stderr == ""
    assert done.stdout.startswith(str(installed.packages / "syncin_mount/_own/reconciler/planner"))
    assert str(installed.packages / "syncin_fuse") in done.stdout
    assert "not this one" not in status.stderr


def test_the_data_of_the_program_is_there(installed: Installed) -> None:
    own = installed.packages / "syncin_mount"
    assert (own / "web" / "static" / "index.html").is_file()
    assert (own / "locale" / "de" / "LC_MESSAGES" / "program.mo").is_file()
    share = installed.prefix / "share"
    for file in (
        "man/man1/syncin-mount.1",
        "man/man1/syncin-mount-add.1",
        "bash-completion/completions/syncin-mount",
        "zsh/site-functions/_syncin-mount",
        "fish/vendor_completions.d/syncin-mount.fish",
        "applications/syncin-mount.desktop",
        "icons/hicolor/scalable/apps/syncin-mount.svg",
        "icons/hicolor/48x48/apps/syncin-mount.png",
        "metainfo/org.syncin_mount.syncin_mount.metainfo.xml",
    ):
        assert (share / file).is_file(), file


def test_the_extra_for_the_embedded_server_is_told(archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[1]) as wheel:
        [name] = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = wheel.read(name).decode()
    assert "Provides-Extra: demo\n" in metadata
    assert "Requires-Dist: cryptography>=43; extra == 'demo'\n" in metadata


STORY = """
import sys
from pathlib import Path
from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.cli.demo.self_check import tell

with Sandbox(Path("world").absolute()) as sandbox:
    tell(sandbox, Path(sys.argv[1]), at_least=100)
"""


@pytest.mark.timeout(400)
def test_the_demo_checks_itself(installed: Installed) -> None:
    """With a part of the library, as the whole takes minutes: `./dev soak packages` has that."""
    library = library_in(installed.base / "library")
    done = installed.run("python", "-c", STORY, library, timeout=380)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it held" in done.stdout
    assert str(ROOT) not in done.stdout + done.stderr
    assert not [mount for mount in mounts() if installed.base in mount.point.parents]
