"""The page, opened in the browser from elsewhere: the tray icon, a notice, the command."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import trio

from reconciler.phrases import Phrase
from syncin_mount.app.errors import NotPossible
from syncin_mount.control.supervision import Ask, What, ask
from syncin_mount.desktop.page import Place

if TYPE_CHECKING:
    from syncin_mount.config import Folders


def address_of_page(
    folders: Folders, place: Place = Place.START, drive: str = "", path: str = ""
) -> str:
    """Where the page is, with a ticket for one tab, at that place, and there at the ``path`` in the
    drive; a path that is no UTF-8 has no place of its own there. Blocks. Raises SupervisorError,
    NotPossible."""
    answer = ask(folders, Ask(What.PAGE))
    if answer.page is None:
        raise NotPossible(
            Phrase("the page cannot be shown: {why}", why=answer.trouble)
            if answer.trouble
            else Phrase("the page cannot be shown: the supervisor is of another version")
        )
    return answer.page + place_in_address(place, drive, path)


def place_in_address(place: Place, drive: str, path: str) -> str:
    """What leads to the place, behind the page's address. Pure."""
    if place is Place.START:
        return ""
    where = f"&at={place.value}/{quote(drive, safe='')}"
    try:
        return f"{where}/{quote(path, safe='')}" if path else where
    except UnicodeEncodeError:
        return where


class SupervisedPage:
    """A `syncin_mount.desktop.page.Page`: the one that the supervisor serves."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    async def address(self, place: Place, drive: str) -> str:
        """With a ticket for one tab. Raises SupervisorError, NotPossible."""
        return await trio.to_thread.run_sync(
            address_of_page, self._folders, place, drive, abandon_on_cancel=True
        )
