"""``./dev package windows``: the program with a Python of its own, as a zip and as an installer.

``windows.py FOLDER`` writes both to FOLDER, on Linux. The Python is the one that ``./dev wine``
tests on, from the same pinned package, its signatures checked. One commit makes the same bytes
again. docs/internals/packages.md describes what is in them.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import archives
import environment
import licences

from tests.wine import interpreters
from tests.wine import packages as wheels
from tests.wine.places import DOWNLOADS, CannotSetUp

NAME: Final = "syncin-mount"
PYTHON: Final = "3.13"
SOURCES: Final = archives.ROOT / "platform" / "windows" / "installer"

LAUNCHER: Final = (
    "distlib==0.4.4",
    "distlib-0.4.4-py2.py3-none-any.whl",
    "cf09d55b1e85a89576b036aeb71550bfd68320f3f21761ca329eadadad918638",
)
"""What pip makes programs of: the package, its file, and the SHA-256 of that."""

MAIN: Final = """\
import sys

from syncin_mount.cli import main

sys.exit(main())
"""
STARTED_BY: Final = b"#!<launcher_dir>\\python\\python.exe -I\r\n"
"""The line that the launcher reads, which stands for its own folder."""

SEARCHED: Final = "python{}.zip\r\n.\r\n..\\packages\r\n"
"""Where Python looks for modules, from its own folder on: variables and registry say nothing."""

IN_PYTHON: Final = """\
  OpenSSL (libcrypto, libssl), Copyright The OpenSSL Project Authors, Apache-2.0: its text is in
    /usr/share/common-licenses/Apache-2.0
  SQLite and XZ's liblzma, in the public domain
  zlib, Expat, libmpdec and others: https://docs.python.org/3/license.html
"""

EARLIEST: Final = (1980, 1, 1)
"""The first day that a zip can name."""


def build(folder: Path, root: Path = archives.ROOT) -> tuple[Path, Path]:
    """Build both into ``folder``, and return the zip and the installer. Ends the program where
    something that is needed cannot be had."""
    seconds = int(archives.commit_time(root))
    os.environ["SOURCE_DATE_EPOCH"] = str(seconds)
    os.umask(0o022)
    version = archives.version(root, seconds)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="syncin-mount-windows-") as place:
        base = Path(place).resolve()
        tree = base / f"{NAME}-{version}"
        tree.mkdir()
        interpreters.put(PYTHON, tree / "python")
        search = SEARCHED.format(PYTHON.replace(".", ""))
        (tree / "python" / f"python{PYTHON.replace('.', '')}._pth").write_text(search, newline="")
        shutil.copy(SOURCES / "on_path.py", tree / "python")
        _packages(root, base, tree / "packages")
        launcher = _launcher(tree, seconds)
        _texts(root, tree, version, launcher)
        environment.say("packing")
        zipped = folder / f"{NAME}-{version}-windows-x86_64.zip"
        _zip(tree, zipped, seconds)
        installer = folder / f"{NAME}-{version}-windows-x86_64-setup.exe"
        _installer(tree, base, installer, version)
    return zipped, installer


def _packages(root: Path, base: Path, target: Path) -> None:
    """The program and all that it needs, without what no command loads."""
    environment.say("building the wheel and fetching what the program needs")
    _, wheel = archives.build(base / "dist", root)
    wheels.fetch(PYTHON, wheels.requirements(), base / "wheels")
    shutil.copy(wheel, base / "wheels")
    wheels.unpack(base / "wheels", target)
    for data in target.glob("*.data"):  # manual pages and suchlike, for Linux
        shutil.rmtree(data)
    speaks = [path.name for path in (root / "syncin_mount" / "locale").iterdir()]
    environment.prune(target, ["en", *speaks])


def _launcher(tree: Path, seconds: int) -> str:
    """Make the program of the launcher, and return the launcher's licence."""
    package, name, sha256 = LAUNCHER
    archive = DOWNLOADS / name
    if not archive.exists() or hashlib.sha256(archive.read_bytes()).hexdigest() != sha256:
        interpreters.fetch_pinned("fetching the launcher of programs", package, sha256)
    main = io.BytesIO()
    with zipfile.ZipFile(main, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("__main__.py", _time(seconds)), MAIN)
    with zipfile.ZipFile(archive) as distlib:
        program = distlib.read("distlib/t64.exe") + STARTED_BY + main.getvalue()
        [text] = [each for each in distlib.namelist() if each.endswith("/LICENSE.txt")]
        licence = distlib.read(text).decode()
    (tree / f"{NAME}.exe").write_bytes(program)
    return licence


def _texts(root: Path, tree: Path, version: str, launcher: str) -> None:
    """What people read."""
    of_python = (tree / "python" / "LICENSE.txt").read_text(encoding="utf-8")
    text = licences.licences(
        root,
        tree / "packages",
        "packages",
        [
            (f"CPython {PYTHON}", "PSF-2.0; in its libraries:", f"{IN_PYTHON}\n{of_python}"),
            (f"{LAUNCHER[0].replace('==', ' ')} ({NAME}.exe)", "PSF-2.0", launcher),
        ],
        {path.stem: path.read_text() for path in (SOURCES / "licences").glob("*.txt")},
    )
    licences.put(text, tree / "licences", "licences")
    readme = (SOURCES / "README.txt").read_text(encoding="utf-8").replace("@VERSION@", version)
    (tree / "README.txt").write_text(readme, encoding="utf-8", newline="\r\n")


def _time(seconds: int) -> tuple[int, int, int, int, int, int]:
    """The time as a zip has it, in UTC, to two seconds."""
    then = datetime.fromtimestamp(seconds, UTC)
    if then.timetuple()[:3] < EARLIEST:
        return (*EARLIEST, 0, 0, 0)
    return (then.year, then.month, then.day, then.hour, then.minute, then.second // 2 * 2)


def _files(tree: Path) -> list[Path]:
    """Every file, from the tree on, in one order everywhere."""
    found = (path.relative_to(tree) for path in tree.rglob("*") if path.is_file())
    return sorted(found, key=lambda path: path.as_posix())


def _zip(tree: Path, target: Path, seconds: int) -> None:
    """Pack the tree, below its own name; nothing of who made it and when is in it."""
    beside = target.with_name(f".{target.name}.new")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for path in _files(tree):
            entry = zipfile.ZipInfo(f"{tree.name}/{path.as_posix()}", _time(seconds))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 0, 0
            zipped.writestr(entry, (tree / path).read_bytes())
    beside.replace(target)


def _installer(tree: Path, base: Path, target: Path, version: str) -> None:
    """Have makensis make it."""
    files = _files(tree)
    for name, lines in (("files.nsh", installing(tree, files)), ("removal.nsh", removing(files))):
        (base / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    number = re.match(r"\d+(?:\.\d+)*", version)
    assert number is not None
    size = sum((tree / path).stat().st_size for path in files)
    beside = target.with_name(f".{target.name}.new")
    environment.run(
        *("makensis", "-V2", "-NOCD", "-INPUTCHARSET", "UTF8"),
        *(f"-DVERSION={version}", f"-DNUMBER={number[0]}.0", f"-DOUT={beside}"),
        *(f"-DFILES={base / 'files.nsh'}", f"-DREMOVAL={base / 'removal.nsh'}"),
        *(f"-DSIZE={size // 1024}", SOURCES / "installer.nsi"),
    )
    beside.replace(target)


def installing(tree: Path, files: list[Path]) -> list[str]:
    """Return what a script of makensis says to put these files, from the tree on, into the folder
    of the installation."""
    lines = []
    for folder in sorted({path.parent for path in files}):
        lines.append(f'SetOutPath "{_there(folder)}"')
        inside = (path for path in files if path.parent == folder)
        lines += [f'File "{_escaped(str(tree / path))}"' for path in inside]
    return lines


def removing(files: list[Path]) -> list[str]:
    """Return what a script of makensis says to remove these files, what Python compiled beside
    them, and folders that are empty then."""
    folders = sorted({each for path in files for each in path.parents if each.parts})
    return [
        *(f'Delete "{_there(path)}"' for path in files),
        *(f'RMDir /r "{_there(each / "__pycache__")}"' for each in folders),
        *(f'RMDir "{_there(each)}"' for each in reversed(folders)),
    ]


def _there(path: Path) -> str:
    """The path below the folder of the installation."""
    return "\\".join(["$INSTDIR", *map(_escaped, path.parts)])


def _escaped(text: str) -> str:
    """The text where a script of makensis would take a dollar for a variable's."""
    return text.replace("$", "$$")


def main(words: list[str]) -> int:
    """Build into the folder that is named, and print the checksums."""
    try:
        made = build(Path(words[0]).absolute())
    except CannotSetUp as error:
        print(f"dev: {error}.", file=sys.stderr)
        return 1
    for file in made:
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}")
        print(f"{file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
