"""``./dev package wheel``: the source archive and the wheel, the latter built from the former.

``archives.py FOLDER`` writes them to FOLDER, with the interpreter that it runs on, which has
hatchling. One commit makes the same bytes everywhere: every time in them is the commit's.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PACKAGES_OF_DEBIAN = "packages-of-debian"
"""Among the licences of the archive with its own Python: name and version, a line each."""


def commit_time(root: Path = ROOT) -> str:
    """Return the time of the commit in seconds since 1970, as SOURCE_DATE_EPOCH has it; one that is
    set already wins, as in a source archive, which has no commits."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return told
    return _git(root, "log", "-1", "--format=%ct").strip()


def version(root: Path, seconds: int) -> str:
    """Return the version of a package of ``root``, whose commit is of that time (in seconds since
    1970): PACKAGE_VERSION where it is set. Before the tag of a release it sorts below the release.
    Raises CalledProcessError where there is no commit."""
    told = os.environ.get("PACKAGE_VERSION")
    if told is not None:
        return told
    source = (root / "syncin_mount" / "__init__.py").read_text(encoding="utf-8")
    number: str
    [number] = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    if f"v{number}" in _git(root, "tag", "--points-at", "HEAD").split():
        return number
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d%H%M%S")
    return f"{number}~git{moment}.{_git(root, 'rev-parse', '--short=8', 'HEAD').strip()}"


def pack(folder: Path, target: Path, name: str, seconds: int) -> None:
    """Pack the folder under this name into ``target``: ``.tar.gz`` or ``.tar.xz``. Who made it and
    when is in no byte of it; ``seconds`` since 1970 is every time in it."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime, member.uid, member.gid = seconds, 0, 0
        member.uname = member.gname = ""
        return member

    beside = target.with_name(f".{target.name}.new")
    with (
        # A header without the clock.
        gzip.GzipFile(beside, "wb", mtime=0)
        if target.suffix == ".gz"
        else lzma.LZMAFile(beside, "wb", preset=9) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        archive.add(folder, name, filter=plain)
    beside.replace(target)


def _git(root: Path, *words: str) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        ["git", "-C", str(root), *words], check=True, capture_output=True, text=True
    )
    return done.stdout


def build(folder: Path, root: Path = ROOT) -> tuple[Path, Path]:
    """Build both from ``root`` into ``folder``, and return the source archive and the wheel. Ends
    the program with what hatchling says when it refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = commit_time(root)
    with tempfile.TemporaryDirectory(prefix="syncin-mount-build-") as place:
        base = Path(place)
        source = _hatched("sdist", root, base / "sdist")
        (base / "unpacked").mkdir()
        # Not tarfile: Debian 12's has no filters yet, and the newest warns without one.
        subprocess.run(["tar", "-xf", source, "-C", base / "unpacked"], check=True)
        [unpacked] = (base / "unpacked").iterdir()
        wheel = _hatched("wheel", unpacked, base / "wheel")
        return _placed(source, folder), _placed(wheel, folder)


def _hatched(kind: str, root: Path, into: Path) -> Path:
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    done = subprocess.run(
        words, cwd=root, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit(f"hatchling built no {kind}:\n{done.stdout}")
    [made] = into.iterdir()
    return made


def _placed(file: Path, folder: Path) -> Path:
    """Move it over what an earlier build left, whole or not at all."""
    target = folder / file.name
    beside = target.with_name(f".{file.name}.new")
    beside.write_bytes(file.read_bytes())
    return beside.replace(target)


def main(words: list[str]) -> int:
    """Build into the folder that is named, and print the checksums."""
    for file in build(Path(words[0])):
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
