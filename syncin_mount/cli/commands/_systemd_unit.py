"""`up` by itself, from log-in on, or from the start of the computer: systemd's part of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from syncin_mount import advice
from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes import at_login
from syncin_mount.autostart import system_unit, system_unit_name
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.language import t


def install(*, running: bool) -> None:
    """Has the supervisor started at every log-in, and now unless it is ``running``. Raises
    NotPossible; then nothing is installed."""
    at_login.begin(running=running)
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
    at_login.write_unit(path, system_unit(sys.executable, os.environ, user))
    try:
        at_login.systemctl("daemon-reload")
        at_login.systemctl("enable", "--now", name)
    except NotPossible as error:
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
    """Ends that; what is mounted stays. Raises CommandError, NotPossible."""
    if not (_take_from_users() if user is None else _take_from_system(user)):
        output.say(t("it was not started by itself"))
        return
    output.say(t("is not started by itself any more; what is mounted stays so until 'down'"))


def _take_from_users() -> bool:
    try:
        return at_login.end()
    except at_login.NoSystemd:
        _must_be_there(t("remove {path} by hand", path=at_login.unit_in_use()))
        raise


def _take_from_system(user: str) -> bool:
    _only_root()
    path = _SYSTEM / system_unit_name(user)
    if not path.exists():
        return False
    _must_be_there(t("remove {path} by hand", path=path))
    at_login.must_be_ours(path)
    at_login.systemctl("disable", path.name)
    path.unlink(missing_ok=True)
    at_login.systemctl("daemon-reload")
    return True


_SYSTEM = Path("/etc/systemd/system")


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
