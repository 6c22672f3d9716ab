"""The archive with a Python of its own, as this system makes it: what is in it, and that it works
from another place, alone. `./dev soak packages` tries it on other systems."""

from __future__ import annotations

import importlib
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncin_mount.mount_table import mounts
from tests.cli.test_self_check import library_in
from tests.packages.test_wheel import STORY

ROOT = Path(__file__).parents[2]
BUILDER = ROOT / "platform" / "packages" / "standalone.py"
SECONDS = 1_800_000_000
MAX_BYTES = 30_000_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not all(map(shutil.which, ("dpkg-query", "patchelf"))),
        reason="./dev test tests/packages installs patchelf, on Debian and Ubuntu",
    ),
]


@dataclass(frozen=True)
class Unpacked:
    """The archive, unpacked and then moved to ``home``. Programs run in ``base``, without the
    system's Python on their path, and with packages of the user's own that must not be loaded."""

    base: Path
    home: Path

    def run(self, *words: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.base / "user"),
            "PATH": str(self.base / "path"),
            "PYTHONPATH": str(self.base / "hostile"),
            "SYNCIN_MOUNT_HOME": str(self.base / "settings"),
        }
        return subprocess.run(
            [str(word) for word in words],
            cwd=self.base,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    @property
    def python(self) -> Path:
        return self.home / "python" / "bin" / "python3"

    def files(self) -> set[Path]:
        return set(self.home.rglob("*"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    told = {"SOURCE_DATE_EPOCH": str(SECONDS), "PACKAGE_VERSION": "9.9"}
    done = subprocess.run(
        ["/usr/bin/python3", "-B", "-E", "-s", BUILDER, folder],
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    assert "; needs glibc 2." in done.stdout
    [made] = folder.iterdir()
    assert made.name == f"syncin-mount-9.9-linux-{os.uname().machine}.tar.xz"
    return made


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    base = tmp_path_factory.mktemp("unpacked")
    subprocess.run(
        ["tar", "--warning=no-timestamp", "-xf", archive, "-C", base], check=True, timeout=100
    )
    home = base / "another place" / "syncin-mount"
    home.parent.mkdir()
    (base / "syncin-mount-9.9").rename(home)
    (base / "path").mkdir()
    for name in ("cp", "rm", "readlink", "fusermount3"):
        (base / "path" / name).symlink_to(shutil.which(name) or name)
    minor = next((home / "python" / "lib").glob("python3.*")).name
    for folder in (base / "hostile", base / "user/.local/lib" / minor / "site-packages"):
        folder.mkdir(parents=True)
        (folder / "click.py").write_text("raise SystemExit('loaded a stranger')\n")
    return Unpacked(base, home)


def test_what_is_in_it(archive: Path) -> None:
    assert archive.stat().st_size < MAX_BYTES
    with tarfile.open(archive) as packed:
        members = packed.getmembers()
    assert {member.name.partition("/")[0] for member in members} == {"syncin-mount-9.9"}
    for member in members:
        assert (member.mtime, member.uid, member.gid, member.uname) == (SECONDS, 0, 0, "")
        assert member.isdir() or member.isreg(), f"{member.name} leads elsewhere"
        assert stat.S_IMODE(member.mode) in (0o755, 0o644), member.name
    names = {member.name.partition("/")[2] for member in members}
    assert {
        "install.sh",
        "README",
        "bin/syncin-mount",
        "share/man/man1/syncin-mount-add.1",
        "share/bash-completion/completions/syncin-mount",
        "share/applications/syncin-mount.desktop",
        "licences/copyright",
        "licences/LGPL-2.1",
        "python/bin/python3",
    } <= names
    assert any("/libfuse3.so." in name for name in names)
    assert not any("/test/" in name or "/libc.so" in name for name in names)


def test_nothing_in_it_tells_where_it_was_made(unpacked: Unpacked) -> None:
    """Else another folder made other bytes."""
    for file in unpacked.files():
        if file.is_file():
            content = file.read_bytes()
            for place in (str(ROOT), "/syncin-mount-archive-"):
                assert place.encode() not in content, file


def test_modules_are_compiled_to_the_same_bytes_in_another_place(
    unpacked: Unpacked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole second build takes minutes: `./dev soak packages` compares two."""
    home = tmp_path / "elsewhere" / "python"
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(unpacked.home / "python", home, ignore=kept, copy_function=shutil.copyfile)
    (home / "bin" / "python3").chmod(0o755)
    monkeypatch.syspath_prepend(str(BUILDER.parent))
    for name in ("environment", "interpreter"):  # modules of a script, with everyday names
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.import_module("interpreter").byte_compile(home)
    again = compiled(home)
    assert len(again) > 1000
    assert again == compiled(unpacked.home / "python")


def compiled(home: Path) -> dict[str, bytes]:
    return {str(file.relative_to(home)): file.read_bytes() for file in home.rglob("*.pyc")}


def test_the_licences_of_all_that_is_carried_are_told(unpacked: Unpacked) -> None:
    text = (unpacked.home / "licences" / "copyright").read_text()
    for source in ("python3", "openssl", "fuse3", "sqlite3", "libffi", "zlib", "expat", "xz-utils"):
        assert f"of Debian's source package {source}" in text, source
    assert "\ntrio 0." in text
    assert "/usr/share/common-licenses" not in text
    assert "/usr/lib/syncin-mount" not in text


def test_the_list_of_parts_has_what_debian_made(
    archive: Path, unpacked: Unpacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BUILDER.parent))
    for name in ("archives", "parts_list"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = dict(importlib.import_module("parts_list").carried_by(archive))
    [minor] = (each.name for each in (unpacked.home / "python" / "lib").glob("python3.*"))
    python = {f"{minor}-minimal", f"lib{minor}-minimal", f"lib{minor}-stdlib"}
    assert {*python, "libffi8"} <= found.keys()
    assert any(name.startswith("libfuse3-") for name in found)
    asked = ["dpkg-query", "-W", "-f", "${Version}", "libffi8"]
    assert found["libffi8"] == subprocess.check_output(asked, text=True, timeout=60)


def test_it_runs_alone_from_any_place_and_through_a_link(unpacked: Unpacked) -> None:
    before = unpacked.files()
    (unpacked.base / "link").symlink_to("another place/syncin-mount/bin/syncin-mount")
    for program in (unpacked.home / "bin" / "syncin-mount", unpacked.base / "link"):
        done = unpacked.run(program, "version")
        assert done.returncode == 0, done.stderr
        assert "from the archive with a Python of its own: " in done.stdout
        assert str(unpacked.home) in done.stdout
    # As it starts its own processes; -E: PYTHONPATH is for every Python, a user's packages are not.
    started = unpacked.run(unpacked.python, "-E", "-m", "syncin_mount", "--version")
    assert started.stdout.startswith("syncin-mount, version "), started.stderr
    nothing = subprocess.run(
        [unpacked.base / "link", "--version"],
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert nothing.stdout.startswith("syncin-mount, version "), nothing.stderr
    assert unpacked.files() == before, "it writes nothing into its own folder"


PROBE = """
import ctypes, sqlite3, ssl, lzma, bz2, cryptography.x509, lmdb, pyfuse3, re2, xxhash, msgspec
import syncin_mount.cli, sys
sys.stdout.write(open("/proc/self/maps").read())
"""


def test_every_library_but_glibc_is_its_own(unpacked: Unpacked) -> None:
    done = unpacked.run(unpacked.python, "-I", "-c", PROBE)
    assert done.returncode == 0, done.stderr
    mapped = {line.split(None, 5)[5] for line in done.stdout.splitlines() if "/" in line}
    strangers = {
        Path(path).name.partition(".so")[0]
        for path in mapped
        if not path.startswith(str(unpacked.home)) and ".so" in Path(path).name
    }
    glibc = {"libc", "libm", "libdl", "librt", "libpthread", "libresolv", "ld-linux-x86-64"}
    assert "libc" in strangers
    assert strangers <= glibc | {"ld-linux-aarch64"}
    assert any("libssl" in path for path in mapped)
    assert any("libstdc++" in path for path in mapped)


def test_install_and_uninstall_leave_nothing(unpacked: Unpacked) -> None:
    script = unpacked.home / "install.sh"
    prefix = unpacked.base / "prefix"
    done = unpacked.run(script, "--prefix", prefix)
    assert done.returncode == 0, done.stderr
    assert f"Installed: {prefix}/bin/syncin-mount, which leads to {unpacked.home}\n" in done.stdout
    assert "fusermount3" not in done.stdout, "it is there"
    again = unpacked.run(prefix / "bin" / "syncin-mount", "--version")
    assert again.stdout.startswith("syncin-mount, version "), again.stderr
    assert (prefix / "share/man/man1/syncin-mount-add.1").is_file()
    done = unpacked.run(script, "--uninstall", "--prefix", prefix)
    assert done.returncode == 0, done.stderr
    assert not prefix.exists()
    done = unpacked.run(script, "--uninstall", "--prefix", prefix)
    assert done.returncode == 1
    assert done.stderr.startswith("install.sh: nothing of the archive of syncin-mount is installed")


def test_the_demo_checks_itself(unpacked: Unpacked) -> None:
    """With real mounts, and every process that it starts of this Python."""
    (unpacked.base / "story.py").write_text(STORY)
    library = library_in(unpacked.base / "library")
    # Its processes get the same environment: PYTHONPATH leads to what must not be loaded.
    (unpacked.base / "hostile" / "click.py").unlink()
    done = unpacked.run(unpacked.python, "-I", "story.py", library, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it held" in done.stdout
    assert sys.prefix not in done.stdout + done.stderr
    assert not [mount for mount in mounts() if unpacked.base in mount.point.parents]
