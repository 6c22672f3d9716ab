"""What a user can do about something, in the words of whoever reads it: the command in a terminal,
the button and its screen on the page. The sentences of the other modules here have one of these as
a value; none has a command of its own.

Words in “quotes” are the page's own (`syncin_mount/web/static`), in each language.
"""

from __future__ import annotations

from syncin_mount.advice import Reader, command, reader
from syncin_mount.language import mark, t

QUOTED = mark("'{command}'")
IN_PAIRS = mark("“{command}”")
"""Marks around a command."""


def on_page() -> bool:
    """Whether whoever reads has the page before them."""
    return reader() is Reader.PAGE


def either(terminal: str, page: str, quotes: str = "{command}") -> str:
    """The one of the two that the reader can do. ``quotes`` go around a command, which has none of
    its own."""
    return page if on_page() else t(quotes, command=terminal)


def resume(drive: str) -> str:
    """Ends a pause."""
    return either(command("resume", drive), t("“Resume”"))


def sync(drive: str) -> str:
    """Runs now."""
    return either(command("sync", drive), t("“Sync now”"))


def mount(drive: str) -> str:
    """Mounts the drive."""
    return either(command("mount", drive), t("“Mount”"))


def unmount(drive: str) -> str:
    """The page unmounts what is disabled."""
    return either(command("umount", drive), t("“Disable”"))


def end_hung(drive: str) -> str:
    """Ends a daemon that does not answer."""
    return either(command("umount", "--force", drive), t("“End and mount again…” in “Health”"))


def enable(drive: str) -> str:
    """Has the drive mounted, here and on the account page."""
    return either(command("enable", drive), t("“Enable”"))


def register(drive: str) -> str:
    """Has the server know it again."""
    return either(command("edit", drive, "--register"), t("“Register again”"))


def remove(drive: str) -> str:
    """Removes the synchronization."""
    return either(command("remove", drive), t("“Remove…”"))


def import_files(drive: str) -> str:
    """Goes on with an import that stopped."""
    return either(command("add", drive, "--import"), t("“Go on with the import…”"))


def list_bin(drive: str) -> str:
    """What is in the trash of this computer."""
    return either(command("bin", "list", drive), t("“Trash”"))


def install_desktop() -> str:
    """Has file managers show the states of files. The page has no button for it."""
    return either(
        command("desktop", "install"),
        t("{command} in a terminal", command=command("desktop", "install")),
    )


def restore() -> str:
    """Brings something back from the trash."""
    return either("bin restore", t("“Restore” in “Trash”"), QUOTED)


def undo_choice(drive: str, path: str) -> str:
    """Takes back which version of a conflict was chosen."""
    return either(command("conflicts", drive, "--undo", path), t("“Undo” in “Conflicts”"))


def release() -> str:
    """Ends a hold."""
    return either("journal release", t("“Release” in “Waiting”"), IN_PAIRS)


def see_waiting(drive: str) -> str:
    """What waits, and why."""
    return either(command("status", drive), t("“Waiting”"))


def check(drive: str) -> str:
    """Whether the local copy is sound."""
    return either(command("check", drive), t("“Check…”"), QUOTED)


def repair(drive: str, quotes: str = QUOTED) -> str:
    """Puts the local copy in order."""
    page = t("“Repair” in “Check…”")
    return either(command("check", drive, "--repair"), page, quotes)


def leave_out(drive: str) -> str:
    """A filter."""
    return either(command("filter", "add", drive, "RULE"), t("“Filters…”"))


def list_clients(account: str) -> str:
    """The account's clients."""
    return either(command("clients", "list", "--server", account), t("“Clients…” in “Settings”"))


def make_there(path: str, account: str) -> str:
    """A folder on the server."""
    return either(command("remote", "mkdir", path, "--server", account), t("“New folder”"))
