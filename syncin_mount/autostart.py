"""What systemd is told: the unit that runs the supervisor, and how the supervisor is.

The program writes the unit, as only here is it known which interpreter runs it, and in which
folders it works. A system's package knows that beforehand, and brings a unit that needs only be
enabled.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UNIT = "syncin-mount.service"
"""The user unit's name."""

_PASSED = ("SYNCIN_MOUNT_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
"""What of the environment decides where settings and state lie."""

WRITTEN = "# Written by 'syncin-mount up --at-login'"
"""How every unit of this program begins."""

SHIPPED = "# 'syncin-mount up --at-login' enables it, and 'up --not-at-login' disables it."
"""How the one begins that a system's package brings."""

SHIPPED_IN = ("/usr/local/lib/systemd/user", "/usr/lib/systemd/user")
"""Where systemd finds what a system brings for all its users."""

_SERVICE = """\
{written}; 'syncin-mount up --not-at-login' takes it away.
[Unit]
Description=Sync-in folders as drives{whose}
{after}StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=notify
ExecStart={program} -m syncin_mount up --foreground
ExecReload={program} -m syncin_mount up
{environment}# The supervisor unmounts the drives itself, in order. They outlive one that
# was killed.
KillMode=process
TimeoutStartSec=300
TimeoutStopSec=90
Restart=on-failure
RestartSec=5

[Install]
WantedBy={target}
"""


def user_unit(program: str, environment: Mapping[str, str]) -> str:
    """The unit that starts the supervisor at the log-in of the user whose it is. ``program`` is the
    interpreter."""
    return _unit(program, environment)


def shipped_unit(program: str) -> str:
    """Return the user unit as a system's package brings it, for all users."""
    written, _, rest = user_unit(program, {}).partition("\n")
    assert written.startswith(WRITTEN)
    return f"{SHIPPED}\n{rest}"


def find_shipped_unit(program: str, environment: Mapping[str, str]) -> Path | None:
    """Return the unit that a system's package brought, if it runs what ``user_unit`` would: this
    ``program``, in the usual folders."""
    if any(environment.get(key) for key in _PASSED):
        return None
    for folder in SHIPPED_IN:
        path = Path(folder) / UNIT
        if path.is_file() and path.read_text(errors="replace") == shipped_unit(program):
            return path
    return None


def system_unit(program: str, environment: Mapping[str, str], user: str) -> str:
    """The unit that starts it at the start of the computer, as ``user``, who need not log in."""
    # No hardening that implies NoNewPrivileges: fusermount3 is setuid root.
    return _unit(program, environment, user)


def system_unit_name(user: str) -> str:
    """Its name."""
    return f"syncin-mount-{user}.service"


def _unit(program: str, environment: Mapping[str, str], user: str | None = None) -> str:
    # Root's own folders are not that user's; one that was chosen for the program is.
    passed = _PASSED if user is None else _PASSED[:1]
    lines = [
        f"Environment={_quoted(f'{key}={environment[key]}')}\n"
        for key in passed
        if environment.get(key)
    ]
    if user is not None:
        # Group, groups and home are that user's with it; what the program makes is nobody else's.
        lines.insert(0, f"User={_escaped(user)}\nUMask=0077\n")
    return _SERVICE.format(
        written=WRITTEN,
        whose="" if user is None else f" of {_escaped(user)}",
        after="" if user is None else "Wants=network-online.target\nAfter=network-online.target\n",
        program=_quoted(program, command=True),
        environment="".join(lines),
        target="default.target" if user is None else "multi-user.target",
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str, *, command: bool = False) -> str:
    """As one word of a unit file; a ``command`` line has its dollars expanded, too. See
    systemd.syntax(7)."""
    text = _escaped(text.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{text.replace("$", "$$") if command else text}"'


class NotifySocket:
    """Whoever started this process waits to hear how it is, if it is systemd (sd_notify(3)); else
    nothing happens."""

    def __init__(self) -> None:
        # The drives' daemons are no concern of it.
        self._address = os.environ.pop("NOTIFY_SOCKET", "")

    @property
    def patience(self) -> float:
        """Seconds that a log-out, which stops the unit, waits for what is not sent; nobody is kept
        waiting without systemd. As long as logind delays a shutdown, and well below the unit's
        TimeoutStopSec."""
        return 5.0 if self._address else 0.0

    def ready(self) -> None:
        self._say(b"READY=1")

    def stopping(self) -> None:
        self._say(b"STOPPING=1")

    def _say(self, state: bytes) -> None:
        if sys.platform == "win32" or not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
            try:
                there.sendto(state, address)
            except OSError:
                return  # it does not listen any more; what is said helps it and nobody else
