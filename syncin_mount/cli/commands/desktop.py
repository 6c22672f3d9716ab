"""`desktop install|remove|run`: the program in file managers and in the desktop's menu."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.drives.addresses import open_with, opener
from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.app.drives.paths import InDrive, address_of, change_pending, in_drive
from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.page_opening import address_of_page
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.app.support import desktop_files
from syncin_mount.cli.commands.up import begin
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.verb_group import Verbs
from syncin_mount.control.supervision import Ask, What
from syncin_mount.desktop.page import Place
from syncin_mount.language import t

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.config import Configuration, Folders
    from syncin_mount.control.messages import Changed

ACTS = ("server", "explain", "compare", "sync", "hold", "release", "trash")

_PLACES = {"explain": Place.EXPLAIN, "compare": Place.CONFLICTS, "trash": Place.TRASH}


@click.group(cls=Verbs)
def command() -> None:
    """Show drives in file managers: an emblem for each file's state, a column, and a menu.

    \b
    desktop install    for Nautilus, Nemo, Caja, Thunar and Dolphin, and the
                       entry in the desktop's menu
    desktop remove     take all of it away again
    """


@command.command()
def install() -> None:
    """Install what file managers load into your own folders.

    An installed package brings the same for everybody. File managers load it when they start again;
    they also need their Python bindings (python3-nautilus, nemo-python, python3-caja,
    thunarx-python).
    """
    share = desktop_files.user_share()
    try:
        paths, kept = desktop_files.install(share, desktop_files.own_command())
    except OSError as error:
        raise _unusable(error) from error
    output.say(
        t(
            "{count} files are below {share} now",
            count=len(paths),
            share=output.printable(str(share)),
        )
    )
    _tell_kept(kept)
    output.say(
        t(
            "start the file manager again, and it shows them; take them away with: {command}",
            command=advice.command("desktop", "remove"),
        )
    )


@command.command()
def remove() -> None:
    """Remove what 'install' put into your own folders."""
    share = desktop_files.user_share()
    try:
        paths, kept = desktop_files.remove(share)
    except OSError as error:
        raise _unusable(error) from error
    if paths:
        output.say(t("{count} files are removed", count=len(paths)))
    elif not kept:
        output.say(t("nothing was installed there: {share}", share=output.printable(str(share))))
    _tell_kept(kept)


def _tell_kept(kept: list[Path]) -> None:
    for path in kept:
        output.say(
            t(
                "a file of this name was not written by this program, or was changed; it is kept:"
                " {path}",
                path=output.printable(str(path)),
            )
        )


def _unusable(error: OSError) -> CommandError:
    return CommandError(
        t(
            "the folder {folder} cannot be written ({why}); make it writable for you",
            folder=output.printable(str(error.filename)),
            why=error.strerror,
        )
    )


@command.command()
@click.argument("act", type=click.Choice(ACTS), metavar="ACT")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
def run(act: str, paths: tuple[str, ...]) -> None:
    """Do ACT, which a file manager's menu offers, for the files PATH of a drive.

    \b
    server     show the folder on the server, in the browser
    explain    open the page at the file, which says why it waits
    compare    open the page at the conflicts
    trash      open the page at the trash
    sync       synchronize the drive now
    hold       do not upload what is pending of the files
    release    upload it after all

    Without a terminal, what goes wrong is told by a notice on the desktop.
    """
    try:
        folders, configuration = lookup.load()
        _act(folders, configuration, act, in_drive(configuration, paths))
    except (CommandError, NotPossible) as error:
        if not output.on_terminal():
            _notify(sentence(error))
        raise


def _act(folders: Folders, configuration: Configuration, act: str, files: InDrive) -> None:
    if act == "server":
        _open(address_of(configuration, files))
    elif act in _PLACES:
        if told(folders, Ask(What.LOOK)) is None:
            begin(folders)
        path = files.paths[0]
        _open(address_of_page(folders, _PLACES[act], files.synchronization.name, path))
    elif act == "sync":
        _sync(files.synchronization.name)
    else:
        _change(folders, configuration, files, hold=act == "hold")


def _open(address: str) -> None:
    program = opener()
    if program is None:
        output.say(address)
    else:
        open_with(program, address)


def _sync(name: str) -> None:
    """In a process of its own, whose last word says what ails it. A run that leaves something is
    none of that: the emblems show it."""
    words = [sys.executable, "-m", "syncin_mount", "sync", "--", name]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    said = done.stderr.strip().splitlines()
    if done.returncode != Exit.DONE and (said or done.returncode != Exit.UNFINISHED):
        raise CommandError(
            said[-1].removeprefix("syncin-mount: ") if said else t("it was not done"),
            Exit(done.returncode),
        )


def _change(folders: Folders, configuration: Configuration, files: InDrive, *, hold: bool) -> None:
    async def change() -> list[Changed]:
        async with open_drive(folders, configuration, files.synchronization) as drive:
            return await change_pending(drive, files.paths, hold=hold)

    answers: list[Changed] = output.run_async(change)
    for each in answers:
        (output.say if each.done else output.warn)(output.printable(each.said))
    refused = [each.said for each in answers if not each.done]
    if refused:
        raise CommandError(refused[0], Exit.UNFINISHED)


def _notify(text: str) -> None:
    """A notice, where the desktop shows any."""
    from syncin_mount.desktop.notices import show_notice  # noqa: PLC0415 (start-up time)
    from syncin_mount.desktop.session_bus import BusError, open_session_bus  # noqa: PLC0415

    async def show() -> None:
        async with open_session_bus() as bus:
            await show_notice(bus, "syncin-mount", text)

    try:
        output.run_async(show)
    except (BusError, OSError):
        return
