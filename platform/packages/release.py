"""``./dev release --dry-run``: all that a release is made of, in one folder, or one sentence that
says why this is no release. It sets no tag and publishes nothing: docs/internals/releasing.md."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from archives import ROOT, commit_time, pack
from parts_list import carried_by, faults, parts_list

NAME = "syncin-mount"


class NoRelease(Exception):
    """``str()`` is one sentence: what, why, and what to do."""


@dataclass
class Made:
    """What was done, a line each: what, and how it went."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, what: str, how: str) -> None:
        self.lines.append((what, how))
        print(f"release: {what}: {how}", flush=True)


def version_of(root: Path) -> str:
    """Return the version of the tree. Raises NoRelease unless the tree is clean, the changelog has
    that version with a date at its top, and no tag of it is there."""
    number = re.search(
        r'^__version__ = "(.+)"$', (root / "syncin_mount/__init__.py").read_text(), re.MULTILINE
    )
    if number is None:
        raise NoRelease("syncin_mount/__init__.py has no __version__; give it one")
    version = number[1]
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed:
        raise NoRelease(
            f"the tree has changes that are in no commit ({changed[0][3:]}"
            f"{f' and {len(changed) - 1} more' if changed[1:] else ''}); commit them first"
        )
    title = re.search(r"^## (\S+) \((.+)\)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    if title is None or title[1] != version:
        raise NoRelease(
            f"the program is {version} and the changelog's first section is"
            f" {title[1] if title else 'none'}; make them the same"
        )
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", title[2]):
        raise NoRelease(f"the changelog's section {version} has '{title[2]}'; give it a date")
    tag = f"v{version}"
    if _git(root, "tag", "--list", tag).strip():
        raise NoRelease(f"there is a tag {tag} already; give the release another version")
    return version


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise NoRelease(f"git {words[0]} failed ({done.stderr.strip()}); run it in a clone")
    return done.stdout


def _run(what: str, *words: str, **environment: str) -> None:
    done = subprocess.run(words, cwd=ROOT, check=False, env={**os.environ, **environment})
    if done.returncode != 0:
        raise NoRelease(f"{what} failed with status {done.returncode}; it said why above")


def tests(made: Made, without: str | None) -> None:
    """Run every test, or note why not. Raises NoRelease."""
    if without is not None:
        made.tell("tests", f"not run: {without}")
        return
    began = time.monotonic()
    _run("the check", str(ROOT / "dev"), "check")
    _run("a test", str(ROOT / "dev"), "test", "--all")
    made.tell("tests", f"all passed, in {time.monotonic() - began:.0f} s")


def build(version: str, folder: Path, made: Made) -> None:
    """Put packages, documentation and list of parts into the new ``folder``. Raises NoRelease."""
    python = sys.executable
    here = "platform/packages"
    _run("building the wheel", python, f"{here}/archives.py", str(folder))
    made.tell("wheel and source archive", "built")
    if shutil.which("dpkg-deb"):
        # With the system's own Python, which the one is for and the other has a copy of.
        system = ("/usr/bin/python3", "-B", "-E", "-s")
        _run(
            "building the package for Debian",
            *(*system, f"{here}/deb.py", str(folder)),
            PACKAGE_VERSION=version,
        )
        made.tell("package for Debian", "built for the release that this runs on")
        _run(
            "building the archive",
            *(*system, f"{here}/standalone.py", str(folder)),
            PACKAGE_VERSION=version,
        )
        made.tell("archive with Python", "built for the C library of this system, and newer ones")
    else:
        for what in ("package for Debian", "archive with Python"):
            made.tell(what, "not built: this system has no dpkg-deb")
    _run("the documentation", str(ROOT / "dev"), "docs", "--site")
    docs = f"{NAME}-{version}-docs"
    pack(ROOT / "build/site", folder / f"{docs}.tar.gz", docs, int(commit_time()))
    made.tell("documentation", "built as a site")
    carried = [each for file in folder.glob("*-linux-*.tar.xz") for each in carried_by(file)]
    parts = parts_list(version, int(commit_time()), carried)
    wrong = faults(parts)
    if wrong is not None:
        raise NoRelease(f"the list of parts is not as CycloneDX wants it ({wrong}); mend it")
    (folder / f"{NAME}-{version}.cdx.json").write_text(parts)
    count = len(json.loads(parts)["components"])
    made.tell("list of parts", f"{count} packages; CycloneDX's schema takes it")


def checksums(folder: Path) -> None:
    """Write SHA256SUMS, as ``sha256sum --check`` reads it."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def main(words: list[str]) -> int:
    """Make it all, and list it."""
    parser = argparse.ArgumentParser(prog="dev release", description=__doc__)
    parser.add_argument(
        "--dry-run", action="store_true", help="make all of it, and publish nothing"
    )
    parser.add_argument(
        "--without-tests", metavar="REASON", help="run no tests, and say so with the reason"
    )
    options = parser.parse_args(words)
    if not options.dry_run:
        parser.error("only --dry-run is there: docs/internals/releasing.md says what people do")
    try:
        version = version_of(ROOT)
        made = Made()
        made.tell("version", f"{version}, of {_git(ROOT, 'rev-parse', 'HEAD').strip()}")
        tests(made, options.without_tests)
        folder = ROOT / "dist" / f"{NAME}-{version}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build(version, folder, made)
        checksums(folder)
    except NoRelease as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"\n{folder.relative_to(ROOT)} has the release {version}:\n")
    for what, how in made.lines:
        print(f"  {what:26}{how}")
    print()
    for path in sorted(folder.iterdir()):
        print(f"  {path.stat().st_size / 1e6:6.2f} MB  {path.name}")
    print(f"\nNothing is published. The tag is yours to set: git tag -s v{version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
