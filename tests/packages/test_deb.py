"""The package for Debian, as far as no new system is needed for it: its version, its licences, and
what its maintainer scripts do to a folder. `./dev soak packages` builds and installs it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "platform" / "linux" / "debian"
BASE = "/usr/lib/syncin-mount"


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its modules can be imported, as they are where ./dev runs them."""
    monkeypatch.syspath_prepend(str(ROOT / "platform" / "packages"))
    yield
    for name in ("deb", "archives", "environment", "licences"):
        sys.modules.pop(name, None)


# --- versions and licences ------------------------------------------------------------------------


@pytest.mark.usefixtures("builder")
def test_versions_sort_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("dpkg") is None:
        pytest.skip("dpkg is not installed here")
    import deb

    def version(told: str | None, release: str, seconds: int = 1_800_000_000) -> str:
        monkeypatch.setattr(deb, "release", lambda: release)
        if told is None:
            monkeypatch.delenv("PACKAGE_VERSION", raising=False)
        else:
            monkeypatch.setenv("PACKAGE_VERSION", told)
        return str(deb.version(ROOT, seconds))

    in_order = [
        version("0.0.9", "deb12"),
        version(None, "deb12"),
        version(None, "deb12", 1_800_000_001),
        version("0.1.0", "deb12"),
        version("0.1.0", "deb13"),
        version("0.1.1", "deb12"),
    ]
    for lower, higher in itertools.pairwise(in_order):
        compared = subprocess.run(
            ["dpkg", "--compare-versions", lower, "lt", higher], check=False, timeout=60
        )
        assert compared.returncode == 0, f"{lower} is not below {higher}"


@pytest.mark.usefixtures("builder")
def test_what_brings_no_licence_is_refused(tmp_path: Path) -> None:
    import licences

    metadata = tmp_path / "other-1.dist-info"
    (metadata / "licenses").mkdir(parents=True)
    (metadata / "METADATA").write_text("Name: other\nVersion: 1\nLicense-Expression: MIT\n\n")
    with pytest.raises(ValueError, match="other 1 brings no text of its licence"):
        licences.licences(ROOT, tmp_path, "there")
    (metadata / "licenses" / "LICENSE").write_text("Do what you like.\n")
    others = [("zlib 1", "see below", "Altered versions are marked.")]
    text = licences.licences(ROOT, tmp_path, "/usr/lib/there", others)
    assert "needs, in /usr/lib/there,\n" in text
    assert "zlib 1\nLicence: see below\n\nAltered versions are marked.\n" in text
    assert "other 1\nLicence: MIT\n\nDo what you like.\n" in text
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text
    assert "preact\nLicence" in text
    assert "htm\nLicence" in text
    assert "TERMS AND CONDITIONS FOR USE" not in text, "every Debian has the text of Apache-2.0"


# --- maintainer scripts ---------------------------------------------------------------------------


def script(name: str, base: Path, *words: str, version: str = "1") -> str:
    """Run it on another folder than the system's, and return what it said."""
    text = (SCRIPTS / name).read_text().replace(BASE, str(base)).replace("@VERSION@", version)
    done = subprocess.run(
        ["sh", "-s", *words],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """What the package unpacks, small: a module, and a library that a process can map."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    unpack(tmp_path, "version 1")
    return tmp_path


def unpack(base: Path, text: str) -> None:
    """As dpkg does: each file beside the old one, and then over it."""
    (base / "packages").mkdir(exist_ok=True)
    for name in ("module.py", "library.so"):
        beside = base / "packages" / f"{name}.dpkg-new"
        beside.write_text(f"# {text}\n" + "#" * 5000)
        beside.replace(base / "packages" / name)


def test_each_version_has_a_copy_that_no_upgrade_touches(base: Path) -> None:
    script("postinst", base, "configure")
    first = (base / "current").resolve()
    assert first.parent == base / "versions"
    assert (first / "module.py").samefile(base / "packages" / "module.py")
    assert list(first.rglob("*.pyc"))
    assert not list((base / "packages").rglob("*.pyc"))

    mapped = subprocess.Popen(
        [sys.executable, "-c", MAPS, first / "library.so"], stdout=subprocess.PIPE
    )
    assert mapped.stdout is not None
    mapped.stdout.readline()
    unpack(base, "version 2")
    assert "version 1" in (first / "module.py").read_text()
    said = script("postinst", base, "configure", "1", version="2")
    second = (base / "current").resolve()
    assert second.name.startswith("2.")
    assert "version 2" in (second / "module.py").read_text()
    assert "version 1" in (first / "module.py").read_text(), "a process runs it"
    assert "'syncin-mount down'" in said

    mapped.kill()
    mapped.wait()
    mapped.stdout.close()
    said = script("postinst", base, "configure", "2", version="2")
    assert said == ""
    assert [(base / "current").resolve()] == list((base / "versions").iterdir())


MAPS = """
import mmap, sys, time
file = open(sys.argv[1], "rb")
mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
print("mapped", flush=True)
time.sleep(60)
"""


def test_an_interrupted_installation_is_made_good(base: Path) -> None:
    (base / "versions" / "1.half").mkdir(parents=True)
    (base / "current").symlink_to(base / "versions" / "1.half")
    (base / "current.new").symlink_to("nowhere")
    script("postinst", base, "configure")
    assert ((base / "current").resolve() / "module.py").exists()
    assert not (base / "versions" / "1.half").exists()
    assert not (base / "current.new").is_symlink()


def test_a_removal_ends_what_runs_and_an_upgrade_does_not(base: Path) -> None:
    script("postinst", base, "configure")
    process = subprocess.Popen(
        [sys.executable, "-c", MAPS, (base / "current").resolve() / "library.so"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    began = time.monotonic()
    script("prerm", base, "upgrade", "2")
    script("prerm", base, "deconfigure")
    assert process.poll() is None
    script("prerm", base, "remove")
    assert process.wait(5) == -15
    assert time.monotonic() - began < 30
    process.stdout.close()
    script("postrm", base, "remove")
    assert {path.name for path in base.iterdir()} == {"bin", "packages"}
    shutil.rmtree(base / "packages")
    shutil.rmtree(base / "bin")
    script("postrm", base, "purge")
    assert not base.exists()
    script("postrm", base, "purge")


def test_what_runs_in_a_container_is_left_alone(base: Path, tmp_path_factory) -> None:
    """It has another folder at the same path."""
    script("postinst", base, "configure")
    inside = tmp_path_factory.mktemp("inside")
    shutil.copytree(base, inside, symlinks=True, dirs_exist_ok=True)
    library = (base / "current").resolve() / "library.so"
    command = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    maps = [sys.executable, "-c", MAPS, str(library)]
    with subprocess.Popen(
        [
            *("unshare", "--map-root-user", "--mount", "sh", "-c", command, "sh"),
            inside,
            base,
            *maps,
        ],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"mapped\n":
            pytest.skip("no namespace can be made here")
        try:
            assert f" {library}\n" in Path(f"/proc/{process.pid}/maps").read_text()
            script("prerm", base, "remove")
            assert process.poll() is None
        finally:
            process.kill()


def test_an_upgrade_removes_nothing(base: Path) -> None:
    script("postinst", base, "configure")
    script("postrm", base, "upgrade", "2")
    assert (base / "current").resolve().is_dir()


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_a_script_is_short_and_for_every_shell(name: str) -> None:
    text = (SCRIPTS / name).read_text()
    assert text.startswith("#!/bin/sh\n")
    assert len(text.splitlines()) <= 45
    assert os.access(SCRIPTS / name, os.X_OK)
    shell = shutil.which("dash") or "sh"
    subprocess.run([shell, "-n", SCRIPTS / name], check=True, timeout=60)
