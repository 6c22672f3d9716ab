"""`./dev release --dry-run`: what it refuses, and its list of parts. The whole of it takes minutes:
docs/internals/releasing.md has people run it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from syncin_mount import __version__

ROOT = Path(__file__).parents[2]
SECONDS = 1_800_000_000


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, imported as ./dev runs it."""
    monkeypatch.syspath_prepend(str(ROOT / "platform" / "packages"))
    import release as found

    yield found
    for name in ("release", "parts_list", "archives"):
        sys.modules.pop(name, None)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit that could be released."""
    (tmp_path / "syncin_mount").mkdir()
    (tmp_path / "syncin_mount" / "__init__.py").write_text('__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## 1.2.0 (2027-01-31)\n\n## 1.1.0 (x)\n")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


def test_a_clean_tree_with_a_dated_section_is_a_release(release: ModuleType, clone: Path):
    assert release.version_of(clone) == "1.2.0"
    git(clone, "tag", "v1.1.0")
    assert release.version_of(clone) == "1.2.0"


@pytest.mark.parametrize(
    ("changelog", "sentence"),
    [
        (
            "## 1.3.0 (2027-01-31)\n",
            "the program is 1.2.0 and the changelog's first section is 1.3.0; make them the same",
        ),
        ("", "the program is 1.2.0 and the changelog's first section is none; make them the same"),
        (
            "## 1.2.0 (unreleased)\n",
            "the changelog's section 1.2.0 has 'unreleased'; give it a date",
        ),
    ],
)
def test_a_changelog_of_something_else_is_refused(
    release: ModuleType, clone: Path, changelog: str, sentence: str
):
    (clone / "CHANGELOG.md").write_text(f"# Changes\n\n{changelog}")
    commit(clone)
    with pytest.raises(release.NoRelease) as refused:
        release.version_of(clone)
    assert str(refused.value) == sentence


def test_a_tag_that_is_there_is_refused(release: ModuleType, clone: Path):
    git(clone, "tag", "v1.2.0")
    with pytest.raises(release.NoRelease, match=r"there is a tag v1\.2\.0 already; give"):
        release.version_of(clone)


@pytest.mark.parametrize("change", ["edited", "new", "staged"])
def test_a_tree_with_changes_is_refused(release: ModuleType, clone: Path, change: str):
    path = clone / ("new.txt" if change == "new" else "CHANGELOG.md")
    with path.open("a") as file:
        file.write("more\n")
    if change == "staged":
        git(clone, "add", "-A")
    with pytest.raises(release.NoRelease) as refused:
        release.version_of(clone)
    said = f"the tree has changes that are in no commit ({path.name}); commit them first"
    assert str(refused.value) == said


def test_a_folder_that_is_no_clone_is_refused(release: ModuleType, tmp_path: Path):
    (tmp_path / "syncin_mount").mkdir()
    (tmp_path / "syncin_mount" / "__init__.py").write_text('__version__ = "1.2.0"\n')
    with pytest.raises(release.NoRelease, match="run it in a clone"):
        release.version_of(tmp_path)


def test_without_dry_run_it_says_what_people_do():
    done = subprocess.run(
        [sys.executable, "platform/packages/release.py"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "only --dry-run is there: docs/internals/releasing.md" in done.stderr


def test_tests_that_are_left_out_are_told_with_the_reason(release: ModuleType):
    made = release.Made()
    release.tests(made, "they ran an hour ago")
    assert made.lines == [("tests", "not run: they ran an hour ago")]


def test_the_list_of_parts_is_valid_complete_and_the_same_again(release: ModuleType):
    pytest.importorskip("cyclonedx", reason="./dev test tests/packages installs it")
    from parts_list import faults, parts_list

    text = parts_list(__version__, SECONDS)
    assert faults(text) is None
    assert parts_list(__version__, SECONDS) == text
    found = json.loads(text)
    assert found["metadata"]["component"]["version"] == __version__
    parts = {each["name"]: each for each in found["components"]}
    assert {"trio", "pyfuse3", "lmdb", "cryptography", "h11", "sniffio"} <= parts.keys()
    assert not {"pytest", "cyclonedx-python-lib", "sphinx", "syncin-mount"} & parts.keys()
    for name, each in parts.items():
        assert each["version"] == importlib.metadata.version(name)
        assert each["licenses"], f"{name} has no licence"
    refs = {each["bom-ref"] for each in (*parts.values(), found["metadata"]["component"])}
    assert {each["ref"] for each in found["dependencies"]} == refs
    assert {ref for each in found["dependencies"] for ref in each["dependsOn"]} <= refs
    more = parts_list(__version__, SECONDS, [("libssl3", "3.0.17-1~deb12u2"), ("x", "1:2+3")])
    assert faults(more) is None
    *python, ssl, other = json.loads(more)["components"]
    assert python == found["components"]
    assert (ssl["name"], ssl["version"]) == ("libssl3", "3.0.17-1~deb12u2")
    assert ssl["purl"].endswith("/libssl3@3.0.17-1~deb12u2")
    assert other["purl"].endswith("/x@1%3A2%2B3")
    broken = text.replace('"type": "library"', '"type": "thing"', 1)
    assert faults(broken) is not None


def test_checksums_are_as_sha256sum_reads_them(release: ModuleType, tmp_path: Path):
    for name in ("b.whl", "a.deb"):
        (tmp_path / name).write_text(name)
    release.checksums(tmp_path)
    release.checksums(tmp_path)
    lines = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert lines[0] == f"{hashlib.sha256(b'a.deb').hexdigest()}  a.deb"
    assert len(lines) == 2
    subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_the_site_is_packed_into_the_same_bytes_again(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    packed = []
    for number, clock in enumerate((SECONDS, SECONDS + 100)):
        site = tmp_path / str(number) / "site"
        (site / "guide").mkdir(parents=True)
        for name in ("index.html", "guide/a.html", "guide/b.html"):
            (site / name).write_text(name)
        monkeypatch.setattr("time.time", lambda clock=clock: clock)
        release.pack(site, tmp_path / str(number) / "docs.tar.gz", "docs", SECONDS)
        packed.append((tmp_path / str(number) / "docs.tar.gz").read_bytes())
    assert packed[0] == packed[1]
