"""A copy of the system's Python that runs wherever its folder lies, with every library that it and
compiled packages need, but for the C library.

Run with the interpreter that is copied; standard library alone. It asks dpkg whose a library is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import environment as packages

PACKAGES = Path("lib/python3/dist-packages")
"""Where Debian's Python looks for packages, below its own folder."""

OF_LIBC = re.compile(r"(ld-linux.*|linux-vdso|lib(c|m|dl|rt|pthread|resolv|util))\.so\.[0-9]+")
"""What every system with glibc has, and what must be of one version: it is not carried."""

UNUSED = shutil.ignore_patterns(
    "__pycache__",
    *("test", "tests", "config-*", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "tkinter"),
    *("turtle*", "venv", "EXTERNALLY-MANAGED", "sitecustomize.py"),
    # Compiled: those that test the interpreter, and those that need more libraries for what no
    # command does.
    *("_test*", "_ctypes_test*", "_xx*", "xx*", "nis.*", "readline.*", "ossaudiodev.*"),
    *("_crypt.*", "_curses*", "_dbm.*", "_gdbm.*"),
)
"""Of the standard library: what no command loads."""

ENVIRONMENT = """\
# That this file is here, without a 'home', keeps packages of the user's own Python out.
include-system-site-packages = false
"""


def copy(home: Path) -> Path:
    """Copy interpreter and standard library into the folder, which may have packages already, and
    return the interpreter."""
    python = home / "bin" / "python3"
    python.parent.mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), python)
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, home / "lib" / library.name, ignore=UNUSED)
    (home / "pyvenv.cfg").write_text(ENVIRONMENT)
    return python


def programs(home: Path) -> Iterator[Path]:
    """Yield all that is compiled."""
    yield home / "bin" / "python3"
    yield from packages.compiled(home / "lib")


def carry_libraries(home: Path) -> list[Path]:
    """Put the libraries that are needed beside the standard library, and have everything look there
    first. Return where they come from. Ends the program where one is not found."""
    wanted: dict[str, Path] = {}
    for program in programs(home):
        wanted |= foreign_libraries(program, home)
    for name, path in wanted.items():
        shutil.copy(path, home / "lib" / name)
    for program in programs(home):
        needed = packages.run("patchelf", "--print-needed", program).split()
        if wanted.keys().isdisjoint(needed):
            continue
        way = os.path.relpath(home / "lib", program.parent)
        own = packages.run("patchelf", "--print-rpath", program).split()
        packages.run("patchelf", "--set-rpath", ":".join([f"$ORIGIN/{way}", *own]), program)
    left = {name for program in programs(home) for name in foreign_libraries(program, home)}
    if left:
        sys.exit(f"dev: the system's own {', '.join(sorted(left))} would still be loaded.")
    return [wanted[name] for name in sorted(wanted)]


def foreign_libraries(program: Path, home: Path) -> dict[str, Path]:
    """Return what the program or library loads, itself or through others, from outside of the
    folder, by name. Ends the program where one is not found."""
    found = {}
    for line in packages.run("ldd", program).splitlines():
        name, arrow, path = line.strip().partition(" => ")
        if not arrow or OF_LIBC.fullmatch(name):
            continue
        if path == "not found":
            sys.exit(f"dev: {program.name} needs {name}, which is not here.")
        real = Path(path.rpartition(" (")[0])
        if not real.resolve().is_relative_to(home.resolve()):
            found[name] = real
    return found


def least_libc(home: Path) -> str:
    """Return the oldest version of glibc with which all of it runs."""
    symbols = packages.run("objdump", "--dynamic-syms", *programs(home))
    versions = {
        tuple(map(int, found.split(".")))
        for found in re.findall(r"\bGLIBC_([0-9]+(?:\.[0-9]+)+)\b", symbols)
    }
    return ".".join(map(str, max(versions)))


def byte_compile(home: Path) -> None:
    """Compile every module once, so that a folder that nobody can write to starts fast, too. The
    result does not tell where or when, and is taken without a look at the source's time, which a
    copy may change."""
    words = ("--invalidation-mode", "unchecked-hash", "-s", f"{home.parent}/", "-f", "-q")
    # -B: else Python itself would first write the modules that it compiles with, place and time in
    # them.
    packages.run(
        *(home / "bin" / "python3", "-B", "-I", "-S", "-m", "compileall", *words, home / "lib"),
        PYTHONHASHSEED="0",
    )


@dataclass(frozen=True, slots=True)
class Carried:
    """A package of Debian, of which there is a file in the folder."""

    name: str
    version: str
    source: str
    """The name of the source package."""
    licence: str
    """The whole text."""


def owners(files: list[Path]) -> list[Carried]:
    """Return the packages of Debian that the files are of. Ends the program for a file that is of
    none."""
    found = []
    for owner in sorted({_owner(file.resolve()) for file in files}):
        asked = "${Package}\n${Version}\n${source:Package}"
        name, version, source = packages.run("dpkg-query", "-W", "-f", asked, owner).splitlines()
        file = Path("/usr/share/doc", name, "copyright")
        text = file.read_text(encoding="utf-8", errors="replace")
        found.append(Carried(name, version, source, text))
    return found


def _owner(file: Path) -> str:
    """The package, where /lib is a link to /usr/lib and dpkg knows only one of the two names."""
    names = [file, Path("/", *file.parts[2:])] if file.parts[1] == "usr" else [file]
    for name in names:
        done = subprocess.run(
            ["dpkg-query", "-S", str(name)], check=False, capture_output=True, text=True
        )
        if done.returncode == 0:
            return done.stdout.partition(": ")[0]
    sys.exit(f"dev: no package of this system has {file}, so its licence is not known.")
