"""What a click in the menu does."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.notices import Notice
from syncin_mount.app.processes.notify import notify
from syncin_mount.app.synchronizations import settings
from syncin_mount.control.supervision import Phase
from syncin_mount.desktop.notices import show_notice
from syncin_mount.desktop.opening import open_address, open_folder
from syncin_mount.desktop.page import Place
from syncin_mount.desktop.session_bus import BusError
from syncin_mount.language import t
from syncin_mount.tray.menu import Click, Verb, is_paused
from syncin_mount.tray.view import needs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncin_mount.config import Folders
    from syncin_mount.desktop.page import Page
    from syncin_mount.desktop.session_bus import SessionBus
    from syncin_mount.tray.supervision import Supervision
    from syncin_mount.tray.view import DriveView

log = logging.getLogger(__name__)

MOST_SAID = 4000
"""Bytes of what `down` says that are shown."""


class Actions:
    """Work that clicks begin, in ``nursery``: it goes on when the panel or the bus ends. ``bus`` is
    the connection, as long as there is one; ``drives`` tells how they are."""

    def __init__(
        self,
        folders: Folders,
        supervision: Supervision,
        nursery: trio.Nursery,
        drives: Callable[[], Sequence[DriveView]],
        page: Page | None,
    ) -> None:
        self.bus: SessionBus | None = None
        self.page = page
        self._folders = folders
        self._supervision = supervision
        self._nursery = nursery
        self._drives = drives
        self._running: set[Click] = set()

    def start(self, click: Click) -> None:
        """Begins it. What is being done already is not begun once more."""
        if click not in self._running:
            self._running.add(click)
            self._nursery.start_soon(self._run, click)

    async def _run(self, click: Click) -> None:
        try:
            await self._do(click)
        except Exception as error:  # noqa: BLE001 (whatever it is: the user is told)
            text = sentence(error, click.drive or None)
            log.info("'%s' in the tray's menu: %s", click.verb.value, text)
            await self._tell(click.drive or "syncin-mount", text)
        finally:
            self._running.discard(click)

    async def _do(self, click: Click) -> None:
        name = click.drive
        match click.verb:
            case Verb.OPEN:
                await self._open(name)
            case Verb.MOUNT:
                self._supervision.mount(name)
            case Verb.SYNC:
                await self._sync(name)
            case Verb.PAUSE | Verb.RESUME:
                await self._pause([name], paused=click.verb is Verb.PAUSE)
            case Verb.SYNC_ALL:
                self._sync_all()
            case Verb.PAUSE_ALL | Verb.RESUME_ALL:
                names = [each.name for each in self._drives()]
                await self._pause(names, paused=click.verb is Verb.PAUSE_ALL)
            case Verb.LOOK:
                await self._look(name, Place(click.detail))
            case Verb.PAGE:
                await self._show_page(Place.START, "")
            case Verb.QUIT:
                await self._quit()

    async def _open(self, name: str) -> None:
        synchronization = self._supervision.configuration.synchronizations.get(name)
        if synchronization is not None and self.bus is not None:
            await open_folder(self.bus, str(synchronization.mountpoint))

    async def _sync(self, name: str) -> None:
        """One run, to its end. What it came to is the drive's state then."""
        from syncin_mount.control.failures import error_of  # noqa: PLC0415 (memory)
        from syncin_mount.control.messages import Failure, SyncRequest  # noqa: PLC0415

        configuration = self._supervision.configuration
        synchronization = configuration.synchronizations[name]
        async with open_drive(self._folders, configuration, synchronization) as drive:
            if not drive.mounted:
                return
            async with drive.sync(SyncRequest()) as events:
                async for event in events:
                    if isinstance(event, Failure):
                        raise error_of(event)

    def _sync_all(self) -> None:
        for each in self._drives():
            if each.phase is Phase.UP and not is_paused(each):
                self.start(Click(Verb.SYNC, each.name))

    async def _pause(self, names: list[str], *, paused: bool) -> None:
        def write() -> None:
            settings.pause(self._folders, names, paused=paused)

        await trio.to_thread.run_sync(write)
        for missed in await notify(self._folders, names, Notice.CONFIGURATION):
            log.info("%s", sentence(missed))

    async def _look(self, name: str, place: Place) -> None:
        """On the page, else as a notice."""
        if self.page is not None:
            await self._show_page(place, name)
            return
        for drive in self._drives():
            for need in needs(drive):
                if (need.drive, need.place) == (name, place):
                    await self._tell(need.title, need.text)
                    return

    async def _show_page(self, place: Place, name: str) -> None:
        if self.page is not None and self.bus is not None:
            await open_address(self.bus, await self.page.address(place, name))

    async def _quit(self) -> None:
        """`down`, as a process of its own: its last step ends this one."""
        if sys.platform == "win32":
            raise NotImplementedError
        # A file without a place: a pipe's reader would have to outlive the writer.
        said = os.memfd_create("syncin-mount-down")
        try:
            process = await trio.lowlevel.open_process(
                [sys.executable, "-m", "syncin_mount", "down"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd="/",
                start_new_session=True,
            )
            if await process.wait() == 0:
                return
            text = os.pread(said, MOST_SAID, 0).decode(errors="replace").strip()
        finally:
            os.close(said)
        log.warning("'down' did not end everything: %s", text)
        await self._tell(t("Not all drives could be unmounted"), text)

    async def _tell(self, title: str, text: str) -> None:
        if self.bus is None:
            return
        try:
            await show_notice(self.bus, title, text)
        except BusError as error:
            log.debug("the desktop cannot be told “%s”: %s", title, error)
