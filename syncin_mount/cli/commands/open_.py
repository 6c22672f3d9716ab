"""`open`: the drive's folder in the file manager, or the server's in the browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from syncin_mount import advice
from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output

if TYPE_CHECKING:
    from syncin_mount.config import Server


@click.command()
@click.argument("name")
@click.option("--remote", is_flag=True, help="The folder on the server, in the browser.")
@click.option("--print", "only_print", is_flag=True, help="Only print the path or address.")
def command(name: str, remote: bool, only_print: bool) -> None:
    """Open the folder of synchronization NAME in the file manager.

    Where there is no desktop, its path (or address, with --remote) is printed.
    """
    folders, configuration = lookup.load()
    synchronization = lookup.synchronization_named(configuration, name)
    if not remote and not is_mounted(folders, name):
        raise CommandError(
            f"'{name}' is not mounted; mount it first: {advice.command('mount', name)}"
        )
    server = configuration.servers[synchronization.server]
    target = address(server, synchronization.remote) if remote else str(synchronization.mountpoint)
    opener = None if only_print else _opener()
    if opener is None:
        output.say(target)
        return
    _start([*opener, target], target)


def address(server: Server, remote: str) -> str:
    """Where the server's web interface shows a folder: ``/#/spaces/files/…``, and
    ``/#/spaces/shares/…`` for what others share (spaces.routes.ts and HashLocationStrategy of the
    Sync-in server's frontend)."""
    kind, _, rest = remote.partition("/")
    where = {
        "personal": f"files/personal/{rest}",
        "spaces": f"files/{rest}",
        "shares": f"shares/{rest}",
    }[kind]
    return f"{server.url}/#/spaces/{quote(where.rstrip('/'))}"


def _opener() -> list[str] | None:
    """The desktop's program that opens things, or None without a desktop."""
    if sys.platform == "win32":
        return ["explorer"]
    if sys.platform == "darwin":
        return ["open"]
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    return next(([path, *words] for name, *words in _OPENERS if (path := shutil.which(name))), None)


_OPENERS = (("xdg-open",), ("gio", "open"))


def _start(command: list[str], target: str) -> None:
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        raise CommandError(
            f"{command[0]} could not open {target} (status {done.returncode}); open it by hand",
            Exit.UNFINISHED,
        )
