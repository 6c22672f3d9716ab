"""The Python packages of the program in one folder, as a package for a system carries them: what
runs, and nothing else.

Run with the interpreter of the system, which they are for; standard library alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

BUILDERS = ("hatchling", "setuptools", "setuptools-scm", "Cython")
"""What builds the packages that come as sources; pinned as all others."""

AS_SOURCES = ("pyfuse3",)
"""Has no wheels for Linux: it is compiled against the system's libfuse3."""

UNUSED = (
    "bin",
    "*/tests",
    "*/test",
    "*/testing",
    "babel/locale-data/*.dat",  # those that are needed are put back
)
"""Below the folder: what no command loads."""

SOURCES = ("*.c", "*.h", "*.pyx", "*.pxd", "*.pyi", "*.cpp", "*.cc")
RECORDS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL")
"""In a distribution's metadata: what pip notes for itself, of files as they were then."""


def say(text: str) -> None:
    """Tell what is done now."""
    print(f"dev: {text}", file=sys.stderr, flush=True)


def run(*words: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run it, and return what it prints. Ends the program with its last words when it fails."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        sys.exit(f"{said}\ndev: {Path(words[0]).name} failed (its last words are above).")
    return done.stdout


def assemble(root: Path, base: Path, target: Path) -> Path:
    """Build the wheel in ``base``, install it with all that it needs into ``target``, and take away
    what no command loads. Return the folder ``share`` that the wheel brings: manual pages and
    suchlike, which the caller places."""
    say("building the wheel and installing what the program needs")
    python = builder(root, base / "builder")
    run(python, root / "platform/packages/archives.py", base / "dist")
    [wheel] = (base / "dist").glob("syncin_mount-*.whl")
    install(root, python, wheel, target)
    share = Path(shutil.move(target / "share", base / "share"))
    speaks = [path.name for path in (root / "syncin_mount" / "locale").iterdir()]
    prune(target, ["en", *speaks])
    strip(target)
    return share


def builder(root: Path, folder: Path) -> Path:
    """Make an environment with what builds packages, and return its interpreter."""
    python = folder / "bin" / "python"
    run(sys.executable, "-I", "-m", "venv", folder)
    run(*pip(python), "install", "-c", root / "constraints.txt", *BUILDERS)
    return python


def pip(python: Path) -> list[str | Path]:
    """Return pip's command line."""
    return [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]


def install(root: Path, python: Path, wheel: Path, target: Path) -> None:
    """Install the wheel with all that it needs, the embedded server's needs among it."""
    pinned: tuple[str | Path, ...] = ("-c", root / "constraints.txt")
    # Never a wheel of pip's cache, which another Python may have built.
    run(
        *pip(python),
        *("wheel", "--no-deps", "--no-cache-dir", "--no-build-isolation"),
        *("-w", wheel.parent, *pinned, *AS_SOURCES),
        # Paths of the build are no part of what is built.
        CFLAGS=f"-O2 -g0 -ffile-prefix-map={Path.cwd()}=.",
    )
    compiled_here = [
        found for name in AS_SOURCES for found in wheel.parent.glob(f"{name}-*-linux_*.whl")
    ]
    run(
        *pip(python),
        *("install", "--no-compile", "--only-binary", ":all:", "--target", target),
        *(*pinned, *compiled_here, f"{wheel}[demo]"),
    )


def prune(target: Path, languages: list[str]) -> None:
    """Take away what no command loads. ``languages`` are those that the program speaks."""
    data = target / "babel" / "locale-data"
    wanted = {"root.dat"} | {
        file.name for file in data.iterdir() if file.stem.split("_")[0] in languages
    }
    kept = {name: (data / name).read_bytes() for name in wanted}
    for pattern in UNUSED:
        for path in target.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for name, content in kept.items():
        (data / name).write_bytes(content)
    for pattern in SOURCES:
        for path in target.rglob(pattern):
            path.unlink()
    for path in target.glob("*.dist-info/*"):
        if path.name in RECORDS:
            path.unlink()
    for path in target.rglob("__pycache__"):
        shutil.rmtree(path)


def compiled(target: Path) -> Iterator[Path]:
    """Yield every shared library and compiled module."""
    for path in sorted(target.rglob("*")):
        if path.is_file() and (path.suffix == ".so" or ".so." in path.name):
            yield path


def strip(target: Path) -> None:
    """Take symbols away that only a debugger reads."""
    for path in compiled(target):
        path.chmod(0o644)
        run("strip", "--strip-unneeded", "--remove-section=.comment", path)
