"""`ui`: the page, in the browser."""

from __future__ import annotations

import click

from syncin_mount.app.drives.addresses import open_with, opener
from syncin_mount.app.processes.page_opening import address_of_page
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.cli.commands.up import begin
from syncin_mount.cli.ui import lookup, output
from syncin_mount.control.supervision import Ask, What
from syncin_mount.desktop.page import Place


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Only print the address.")
def command(only_print: bool) -> None:
    """Open the page in the browser, and return.

    The supervisor serves it to you alone, on this computer; where none runs, it is started as by
    'up', and mounts what is enabled. The address is good once, for 30 seconds: each tab needs a new
    one. Where there is no desktop, the address is printed.

    Without a synchronization it opens the assistant, which adds the first one.
    """
    folders, configuration = lookup.load()
    if told(folders, Ask(What.LOOK)) is None:
        begin(folders)
    if only_print:
        output.say(address_of_page(folders))
        return
    # Whoever has no drive yet wants one.
    place = Place.START if configuration.synchronizations else Place.ADD
    address = address_of_page(folders, place)
    opens = opener()
    if opens is None:
        output.say(address)
        return
    open_with(opens, address)
