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
_WITHOUT_WHEEL: Final = frozenset({"winfspy"})
"""None for Python 3.12 and newer; nothing imports it yet."""


def requirements() -> list[str]:
    """Names of the packages, the program's own first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [
        re.split(r"[<>=!~ ;]", each, maxsplit=1)[0]
        for each in project["dependencies"]
        if "sys_platform == 'linux'" not in each
    ]
    return [each for each in needed if each not in _WITHOUT_WHEEL] + [*_FOR_TESTS, *_FOR_WINDOWS]


def _key() -> str:
    told = "\n".join(requirements()) + (ROOT / "constraints.txt").read_text()
    return hashlib.sha256(told.encode()).hexdigest()


def are_there(version: str) -> bool:
    """Whether the packages are those that constraints.txt names now."""
    mark = packages_folder(version) / "key"
    return mark.exists() and mark.read_text() == _key()


def set_up(version: str) -> None:
    """Fetches and unpacks them. Raises CannotSetUp."""
    wheels = DOWNLOADS / f"wheels-{version}"
    shutil.rmtree(wheels, ignore_errors=True)
    pip(
        f"fetching the packages for Python {version} on Windows",
        *("download", "--only-binary=:all:", "--platform", "win_amd64"),
        *("--python-version", version, "--implementation", "cp"),
        *("-c", str(ROOT / "constraints.txt"), "-d", str(wheels), *requirements()),
    )
    target = packages_folder(version)
    fresh = target.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    for wheel in sorted(wheels.glob("*.whl")):
        if _name(wheel) not in _NOT_FOR_WINDOWS:
            with zipfile.ZipFile(wheel) as zipped:
                zipped.extractall(fresh)
    (fresh / "key").write_text(_key())
    fresh.rename(target)


def _name(wheel: Path) -> str:
    return wheel.name.partition("-")[0].lower().replace("_", "-")
