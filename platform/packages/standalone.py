"""``./dev package archive``: the program with a Python of its own, for distributions without a
package.

``standalone.py FOLDER`` writes it to FOLDER, as one file. It carries the Python of the system that
it runs on, and needs that system's C library or a newer one. One commit makes the same bytes again
on the same system. docs/internals/packages.md describes what is in it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import environment as packages
import interpreter
from archives import PACKAGES_OF_DEBIAN, ROOT, commit_time, pack, version
from licences import licences, put

NAME = "syncin-mount"
SOURCES = ROOT / "platform" / "linux" / "standalone"


def build(folder: Path, root: Path = ROOT) -> tuple[Path, str]:
    """Build the archive into ``folder``, and return its path and the version of glibc that it needs
    at least."""
    seconds = int(commit_time(root))
    os.environ["SOURCE_DATE_EPOCH"] = str(seconds)
    os.umask(0o022)
    name = f"{NAME}-{version(root, seconds)}"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="syncin-mount-archive-") as place:
        base = Path(place).resolve()
        os.chdir(base)
        tree = base / name
        home = tree / "python"
        target = home / interpreter.PACKAGES
        share = packages.assemble(root, base, target)
        shutil.move(share, tree / "share")
        packages.say("copying Python and the libraries")
        python = interpreter.copy(home)
        libraries = interpreter.carry_libraries(home)
        libc = interpreter.least_libc(home)
        _own_files(root, tree, libc)
        # Debian has the standard library in two packages: what Python starts with, and the rest.
        carried = [Path(sys.executable), Path(os.__file__), Path(sqlite3.__file__), *libraries]
        _licences(root, tree, carried)
        interpreter.byte_compile(home)
        _check(python, base)
        made = folder / f"{name}-linux-{platform.machine()}.tar.xz"
        packages.say("packing")
        _plain_modes(tree)
        pack(tree, made, name, seconds)
    return made, libc


def _own_files(root: Path, tree: Path, libc: str) -> None:
    """What starts the program, and what puts it on the path."""
    (tree / "bin").mkdir()
    shutil.copy(SOURCES / NAME, tree / "bin")
    shutil.copy(SOURCES / "install.sh", tree)
    for name in ("install.sh", "README"):
        text = (SOURCES / name).read_text(encoding="utf-8").replace("@GLIBC@", libc)
        (tree / name).write_text(text, encoding="utf-8")
    # As the package for Debian starts it.
    shutil.copy(root / "platform" / "linux" / "debian" / NAME, tree / "python")
    shutil.copy(root / "platform" / "packages" / "installer.py", tree / "python")


def _licences(root: Path, tree: Path, files: list[Path]) -> None:
    """Every licence, and the list of Debian's packages that ``files`` are of: name and version, a
    line each."""
    place = tree / "licences"
    place.mkdir()
    carried = interpreter.owners(files)
    lines = [f"{each.name} {each.version}\n" for each in carried]
    (place / PACKAGES_OF_DEBIAN).write_text("".join(lines))
    of_text = {
        each.licence: each for each in reversed(carried)
    }  # many have the same, of one source
    text = licences(
        root,
        tree / "python" / interpreter.PACKAGES,
        f"python/{interpreter.PACKAGES}",
        [
            (
                f"{each.name} {each.version}, of Debian's source package {each.source}",
                "see below",
                each.licence,
            )
            for each in of_text.values()
        ],
    )
    put(text, place, "licences")


def _check(python: Path, base: Path) -> None:
    """Refuse what does not start, or takes a module from elsewhere. Ends the program."""
    probe = (
        "import os, sys, ctypes, sqlite3, ssl, lzma, bz2, uuid, lmdb, re2, pyfuse3, xxhash,"
        " msgspec, cryptography.x509, secretstorage, syncin_mount.cli, syncin_fuse;"
        "print(*(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)),"
        " *filter(None, sys.path[1:]), sep='\\n')"
    )
    said = packages.run("env", "-i", python, "-B", "-c", probe, cwd=base)
    elsewhere = [line for line in said.splitlines() if not line.startswith(f"{python.parents[1]}/")]
    if elsewhere:
        sys.exit(f"dev: the copied Python loads {elsewhere[0]}, which is not in the archive.")


def _plain_modes(tree: Path) -> None:
    """What is started can be, by everybody, and nothing else."""
    started = {tree / "install.sh", tree / "bin" / NAME, tree / "python" / "bin" / "python3"}
    for path in tree.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in started else 0o644)


def main(words: list[str]) -> int:
    """Build into the folder that is named, and print the checksum."""
    made, libc = build(Path(words[0]).absolute())
    print(f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made}")
    print(f"{made.stat().st_size / 1e6:.1f} MB; needs glibc {libc} or newer, and fusermount3")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
