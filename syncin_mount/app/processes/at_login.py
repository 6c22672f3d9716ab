"""The supervisor at every log-in of the user: systemd's user unit, written, enabled, taken away;
on Windows the Run key (`run_key`).

Everything here blocks; systemd answers within milliseconds, and is given five minutes.
"""

from __future__ import annotations

import enum
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase, strerror
from syncin_mount.app.errors import NotPossible
from syncin_mount.autostart import UNIT, WRITTEN, find_shipped_unit, user_unit
from syncin_mount.config.files import write_atomic

if sys.platform == "win32":
    from syncin_mount.app.processes import run_key

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE_S = 300.0
"""As the unit's TimeoutStartSec: systemd may start the supervisor meanwhile."""


class AtLogin(enum.Enum):
    """Whether the supervisor starts at every log-in."""

    ON = "on"
    OFF = "off"
    IMPOSSIBLE = "impossible"
    """No systemd answers this user here."""


class NoSystemd(NotPossible):
    """Nothing here could start the supervisor."""

    def __init__(self) -> None:
        super().__init__(Phrase("there is no systemd here that could start it"))


class SystemdRefused(NotPossible):
    """systemd was asked, and did not do it: ``why`` is its own first line."""

    def __init__(self, why: str) -> None:
        super().__init__(Phrase("systemd does not do it ({why})", why=why))


def look() -> AtLogin:
    """Whether it starts at every log-in, as systemd says. Changes nothing."""
    if sys.platform == "win32":
        return AtLogin.ON if run_key.is_on() else AtLogin.OFF
    if shutil.which("systemctl") is None:
        return AtLogin.IMPOSSIBLE
    try:
        state = systemctl("--user", "show", "-p", "UnitFileState", "--value", UNIT)
    except NotPossible:
        return AtLogin.IMPOSSIBLE
    return AtLogin.ON if state.startswith("enabled") else AtLogin.OFF


def begin(*, running: bool) -> None:
    """Have the supervisor started at every log-in, and now unless it is ``running``; on Windows
    whoever calls this starts it. Raises NotPossible; then nothing is installed."""
    if sys.platform == "win32":
        run_key.begin()
        return
    if shutil.which("systemctl") is None:
        raise NoSystemd
    path = _user_folder() / UNIT
    if find_shipped_unit(sys.executable, os.environ) is None:
        write_unit(path, user_unit(sys.executable, os.environ))
    else:  # and not hidden by one that was written before the package was there
        must_be_ours(path)
        path.unlink(missing_ok=True)
    try:
        systemctl("--user", "daemon-reload")
        systemctl("--user", "enable", *([] if running else ["--now"]), UNIT)
    except NotPossible:
        path.unlink(missing_ok=True)
        raise


def end() -> bool:
    """End that; what is mounted stays. Return False where it did not start by itself. Raises
    NotPossible."""
    if sys.platform == "win32":
        return run_key.end()
    if unit_in_use() is None:
        return False
    if shutil.which("systemctl") is None:
        raise NoSystemd
    written = _user_folder() / UNIT
    must_be_ours(written)
    systemctl("--user", "disable", UNIT)
    written.unlink(missing_ok=True)
    systemctl("--user", "daemon-reload")
    return True


def unit_in_use() -> Path | None:
    """Return what has systemd start it: the unit that was written, or systemd's own link to one
    that a package brought."""
    folder = _user_folder()
    written, link = folder / UNIT, folder / "default.target.wants" / UNIT
    if written.exists():
        return written
    return link if link.is_symlink() else None


def write_unit(path: Path, text: str) -> None:
    """Write the unit, over one of this program. Raises NotPossible."""
    must_be_ours(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode(), mode=0o644)
    except OSError as error:
        raise NotPossible(
            Phrase("the unit {path} cannot be written ({why})", path=path, why=strerror(error))
        ) from error


def must_be_ours(path: Path) -> None:
    """What has the unit's name already, if anything, was written by this program: a masked unit is
    a link to the null device, and one by somebody else's hand is theirs. Raises NotPossible."""
    try:
        ordinary = stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    if not ordinary or not path.read_text(errors="replace").startswith(WRITTEN):
        raise NotPossible(
            Phrase(
                "{path} is there already, and not by this program; move it away, or unmask"
                " the unit",
                path=path,
            )
        )


def systemctl(*words: str) -> str:
    """Ask systemd; return what it answers, without the last line end. Raises SystemdRefused."""
    command: Sequence[str] = ("systemctl", *words)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemdRefused(str(error)) from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise SystemdRefused(lines[0] if lines else f"status {done.returncode}")
    return done.stdout.strip()


def _user_folder() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME")
    return (Path(configured) if configured else Path.home() / ".config") / "systemd" / "user"
