"""The Python packages for Windows: those of the project, at the versions of constraints.txt,
unpacked side by side."""

from __future__ import annotations

import hashlib
import re
import shutil
import tomllib
import zipfile
from pathlib import Path
from typing import Final

from tests.wine.commands import pip
from tests.wine.places import DOWNLOADS, ROOT, packages_folder

_FOR_TESTS: Final = ("cryptography", "hypothesis", "pytest", "pytest-timeout", "pytest-trio")
_FOR_WINDOWS: Final = ("colorama", "pywin32-ctypes")
"""What pytest and keyring need there: pip judges the markers of requirements by this system."""
_NOT_FOR_WINDOWS: Final = frozenset({"jeepney", "secretstorage"})
_OF_OLDER_PYTHON: Final = {"winfspy": "3.11"}
"""Has no wheels for newer ones. That for this Python fits them too: its one compiled module keeps
to the part of Python's interface that stays (``python3.dll``), and cffi's."""


def requirements() -> list[str]:
    """Names of the packages that the program needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [
        re.split(r"[<>=!~ ;]", each, maxsplit=1)[0]
        for each in project["dependencies"]
        if "sys_platform == 'linux'" not in each
    ]
    return [*needed, *_FOR_WINDOWS]


def _key() -> str:
    told = "\n".join((*requirements(), *_FOR_TESTS)) + (ROOT / "constraints.txt").read_text()
    return hashlib.sha256(told.encode()).hexdigest()


def are_there(version: str) -> bool:
    """Whether the packages are those that constraints.txt names now."""
    mark = packages_folder(version) / "key"
    return mark.exists() and mark.read_text() == _key()


def set_up(version: str) -> None:
    """Fetches and unpacks them, and what tests need. Raises CannotSetUp."""
    wheels = DOWNLOADS / f"wheels-{version}"
    shutil.rmtree(wheels, ignore_errors=True)
    fetch(version, [*requirements(), *_FOR_TESTS], wheels)
    target = packages_folder(version)
    fresh = packages_folder(f"{version}-new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    unpack(wheels, fresh)
    (fresh / "key").write_text(_key())
    fresh.rename(target)


def fetch(version: str, names: list[str], wheels: Path) -> None:
    """Fetches these packages with what they need, as wheels for a version of Python on Windows.
    Raises CannotSetUp."""
    options = ("--only-binary=:all:", "--platform", "win_amd64", "--implementation", "cp")
    pinned = ("-c", ROOT / "constraints.txt", "-d", wheels)
    pip(
        f"fetching the packages for Python {version} on Windows",
        *("download", *options, "--python-version", version, *pinned),
        *(each for each in names if each not in _OF_OLDER_PYTHON),
    )
    for name, older in _OF_OLDER_PYTHON.items():
        if name in names:
            pip(
                f"fetching {name}",
                *("download", "--no-deps", *options, "--python-version", older, *pinned, name),
            )


def unpack(wheels: Path, target: Path) -> None:
    """Puts all of these packages that are for Windows into one folder."""
    for wheel in sorted(wheels.glob("*.whl")):
        if _name(wheel) not in _NOT_FOR_WINDOWS:
            with zipfile.ZipFile(wheel) as zipped:
                zipped.extractall(target)


def winfsp_binding(version: str) -> Path:
    """winfspy's compiled module, which is linked to WinFsp's library."""
    return packages_folder(version) / "winfspy" / "plumbing" / "_bindings.pyd"


def _name(wheel: Path) -> str:
    return wheel.name.partition("-")[0].lower().replace("_", "-")
