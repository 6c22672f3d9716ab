"""A synchronization that is about to be added, as options or answers say it. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields

from syncin_mount.language import mark


@dataclass(slots=True)
class AddOptions:
    """Values as a command line says them; None and () stand for what was not given."""

    name: str | None = None
    server: str | None = None
    remote: str | None = None
    mountpoint: str | None = None
    direction: str | None = None
    mode: str | None = None
    conflict: str | None = None
    trash: str | None = None
    every: str | None = None
    filters: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """What no default can stand for, as the command line names it."""
        needed = {
            "NAME": self.name,
            "--server": self.server,
            "--remote": self.remote,
            "--mountpoint": self.mountpoint,
        }
        return [word for word, value in needed.items() if not value]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that the assistant asks for: its choices, the default first, each with what it
    means."""

    name: str
    title: str
    choices: dict[str, str]


SETTINGS = (
    Setting(
        "direction",
        mark("Sync direction"),
        {
            "both": mark("changes go both ways"),
            "upload": mark("the server follows this folder; changes there are undone"),
            "download": mark("this folder follows the server, and is read-only"),
        },
    ),
    Setting(
        "conflict",
        mark("How to resolve conflicting edits; the losing version goes to a bin"),
        {
            "recent": mark("the version that was written last wins"),
            "local": mark("the version of this computer wins"),
            "remote": mark("the server's version wins"),
        },
    ),
    Setting(
        "mode",
        mark("How to compare files"),
        {
            "fast": mark("compare files by size and time"),
            "secure": mark("compare files by checksum, which takes the server longer"),
        },
    ),
    Setting(
        "trash",
        mark("Where losing versions and deleted files go on this computer"),
        {
            "auto": mark(
                "the desktop's trash, or the synchronization's own bin where there is none"
            ),
            "desktop": mark("the desktop's trash"),
            "own": mark("the synchronization's own bin: 'syncin-mount bin list NAME'"),
        },
    ),
)
"""`every` and `filters` have no choices of their own."""


def command_line(wanted: AddOptions) -> str:
    """The command that adds it without questions."""
    words = ["syncin-mount", "add", wanted.name or ""]
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if field.name == "filters":
            words += [word for rule in value for word in ("--filter", rule)]
        elif field.name != "name" and value is not None:
            words += [f"--{field.name}", value]
    return shlex.join(words)
