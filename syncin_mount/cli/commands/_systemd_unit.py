"""`up` by itself, from log-in on, or from the start of the computer: systemd's part of it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from reconciler.phrases import strerror
from syncin_mount import advice
from syncin_mount.app.messages import sentence
from syncin_mount.autostart import (
    UNIT,
    WRITTEN,
    find_shipped_unit,
    system_unit,
    system_unit_name,
    user_unit,
)
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.config.files import write_atomic
from syncin_mount.language import t

_PATIENCE = 300.0
"""Seconds: as the unit's TimeoutStartSec."""


def install(*, running: bool) -> None:
    """Has the supervisor started at every log-in, and now unless it is ``running``. Raises
    CommandError; then nothing is installed."""
    _must_be_there(
        t(
            "put 'syncin-mount up' into what starts your session: the desktop's"
            " autostart, or ~/.profile"
        )
    )
    path = _user_folder() / UNIT
    if find_shipped_unit(sys.executable, os.environ) is None:
        _write(path, user_unit(sys.executable, os.environ))
    else:  # and not hidden by one that was written before the package was there
        _must_be_ours(path)
        path.unlink(missing_ok=True)
    try:
        _systemctl(["--user", "daemon-reload"])
        _systemctl(["--user", "enable", *([] if running else ["--now"]), UNIT])
    except CommandError:
        path.unlink(missing_ok=True)
        raise
    output.say(
        t(
            "starts at every log-in from now on; to end that: {command}",
            command=advice.command("up", "--not-at-login"),
        )
    )


def install_for(user: str) -> None:
    """The same for a user who need not log in, from the start of the computer on. Raises
    CommandError."""
    _only_root()
    _must_be_there(t("put '@reboot syncin-mount up' into the crontab of {user}", user=user))
    _must_run_as(user)
    name = system_unit_name(user)
    path = _SYSTEM / name
    _write(path, system_unit(sys.executable, os.environ, user))
    try:
        _systemctl(["daemon-reload"])
        _systemctl(["enable", "--now", name])
    except CommandError as error:
        # It may be the drives that do not start, and not the unit: it stays to be looked at.
        raise CommandError(
            t("{error}; 'systemctl status {name}' says more", error=sentence(error), name=name),
            Exit.UNFINISHED,
        ) from error
    output.say(
        t(
            "the drives of {user} are mounted whenever this computer starts, and now;"
            " {name} does it",
            user=user,
            name=name,
        )
    )


def take_away(user: str | None) -> None:
    """Ends that; what is mounted stays. Raises CommandError."""
    if user is not None:
        _only_root()
    name, scope = (UNIT, ["--user"]) if user is None else (system_unit_name(user), [])
    path = (_user_folder() if user is None else _SYSTEM) / name
    if not path.exists() and not (user is None and _enabled_link().is_symlink()):
        output.say(t("it was not started by itself"))
        return
    there = path if path.exists() else _enabled_link()
    _must_be_there(t("remove {path} by hand", path=there))
    _must_be_ours(path)
    _systemctl([*scope, "disable", name])
    path.unlink(missing_ok=True)
    _systemctl([*scope, "daemon-reload"])
    output.say(t("is not started by itself any more; what is mounted stays so until 'down'"))


_SYSTEM = Path("/etc/systemd/system")


def _user_folder() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME")
    return (Path(configured) if configured else Path.home() / ".config") / "systemd" / "user"


def _enabled_link() -> Path:
    """What systemd makes of a user unit that is enabled: all that there is of a shipped one."""
    return _user_folder() / "default.target.wants" / UNIT


def _write(path: Path, text: str) -> None:
    _must_be_ours(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode(), mode=0o644)
    except OSError as error:
        raise CommandError(
            t("the unit {path} cannot be written ({why})", path=path, why=strerror(error)),
            Exit.UNFINISHED,
        ) from error


def _must_be_ours(path: Path) -> None:
    """What has the unit's name already, if anything, was written by this program: a masked unit is
    a link to the null device, and one by somebody else's hand is theirs. Raises CommandError."""
    try:
        ordinary = stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not ordinary or not path.read_text(errors="replace").startswith(WRITTEN):
        raise CommandError(
            t(
                "{path} is there already, and not by this program; move it away, or unmask"
                " the unit",
                path=path,
            )
        )


def _only_root() -> None:
    if sys.platform == "win32" or os.geteuid() != 0:
        raise CommandError(
            t("only root can do that for a user; for yourself, leave --for-user out"), Exit.USAGE
        )


def _must_be_there(instead: str) -> None:
    if shutil.which("systemctl") is None:
        raise CommandError(
            t("there is no systemd here that could start it; {instead}", instead=instead),
            Exit.UNFINISHED,
        )


def _must_run_as(user: str) -> None:
    """The program may be installed where that user cannot look."""
    if sys.platform == "win32":
        raise CommandError(t("there is no systemd on Windows"))
    program = [sys.executable, "-c", "import syncin_mount"]
    try:
        works = subprocess.run(
            program,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd="/",
            **_credentials(user),
        )
        failed = works.returncode != 0
    except OSError:
        failed = True
    if failed:
        raise CommandError(
            t(
                "{user} cannot run {executable}; install the program where all users can, as"
                " in /opt or /usr/local",
                user=user,
                executable=sys.executable,
            )
        )


def _credentials(user: str) -> dict[str, Any]:
    """For `subprocess`: all that makes a child this user's, as a log-in does, and nothing of
    root's. Raises CommandError for an unknown user."""
    if sys.platform == "win32":
        raise CommandError(t("there is no systemd on Windows"))
    import pwd  # noqa: PLC0415 (POSIX only)

    try:
        account = pwd.getpwnam(user)
    except KeyError as error:
        raise CommandError(
            t("there is no user '{user}' on this computer", user=user), Exit.USAGE
        ) from error
    return {
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": os.getgrouplist(account.pw_name, account.pw_gid),
        "umask": 0o077,
        "start_new_session": True,
        "env": {
            "HOME": account.pw_dir,
            "USER": account.pw_name,
            "LOGNAME": account.pw_name,
            "SHELL": account.pw_shell,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
        },
    }


def _systemctl(words: list[str]) -> None:
    try:
        done = subprocess.run(
            ["systemctl", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(
            t("systemctl {words} did not work ({error})", words=words[-1], error=sentence(error)),
            Exit.UNFINISHED,
        ) from error
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
        raise CommandError(
            t(
                "systemd does not do it ({why}); without it, put 'syncin-mount up' into what"
                " starts your session",
                why=why,
            ),
            Exit.UNFINISHED,
        )
