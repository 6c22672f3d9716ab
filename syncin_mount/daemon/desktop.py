"""Notices on the desktop: org.freedesktop.Notifications on the session's bus. Without one nothing
happens. Buttons are there where the desktop has any, and lead to something that there is."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

import trio

from syncin_mount.config import ConfigurationError
from syncin_mount.daemon.notifications import Action, Notices, State
from syncin_mount.desktop.notices import show_with_actions
from syncin_mount.desktop.opening import open_address, open_folder
from syncin_mount.desktop.page import Place
from syncin_mount.desktop.session_bus import has_session_bus, open_session_bus, why
from syncin_mount.language import mark, speak, t
from syncin_mount.language.choice import LanguageSetting, of_environment

if TYPE_CHECKING:
    from pathlib import Path

    from syncin_mount.app.runtime.runtime import Runtime
    from syncin_mount.config import ConfigurationFile
    from syncin_mount.daemon.notifications import Notice
    from syncin_mount.desktop.page import Page

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between looks at what is new."""

MOST_OPEN = 10
"""Notices whose buttons do something: the last ones. Each keeps a connection to the bus."""

_LABELS = {
    Action.OPEN: mark("Open the folder"),
    Action.HALT: mark("Look at the deletions"),
    Action.LOG_IN: mark("Log in again"),
    Action.CONFLICTS: mark("Look at the conflicts"),
}

_PLACES = {
    Action.HALT: Place.HALT,
    Action.LOG_IN: Place.LOG_IN,
    Action.CONFLICTS: Place.CONFLICTS,
}

_DEFAULT = "default"
"""By the specification a click on the notice itself, and not on a button of it."""


async def keep_told(runtime: Runtime, file: ConfigurationFile, page: Page | None = None) -> None:
    """Tells of what needs somebody, for ever. The drive never waits for it, and no trouble of the
    desktop's reaches it."""
    if not has_session_bus():
        return
    language = LanguageSetting(file.path)
    here = runtime.synchronization
    notices = Notices(here.name)
    async with trio.open_nursery() as nursery:
        teller = Teller(nursery, here.name, here.mountpoint, page)
        while True:
            await trio.sleep(LOOK_EVERY)
            speak(language.now() or of_environment())  # what is set holds from that moment on
            now = runtime.engine.status()
            state = State(
                now.conflicts, now.halted, now.refused, now.online, runtime.hydrator.offline_reads
            )
            found = notices.follow(trio.current_time(), state)
            if found and _wanted(file):
                for notice in found:
                    await teller.tell(notice)


def _wanted(file: ConfigurationFile) -> bool:
    try:
        return file.read().notifications
    except ConfigurationError:
        return True


class Teller:
    """Shows notices of a drive, and does what is clicked on them, in ``nursery``."""

    def __init__(
        self, nursery: trio.Nursery, drive: str, mountpoint: Path, page: Page | None
    ) -> None:
        self._nursery = nursery
        self._drive = drive
        self._mountpoint = mountpoint
        self._page = page
        self._open: deque[trio.CancelScope] = deque()

    async def tell(self, notice: Notice) -> bool:
        """Whether the desktop took it. Cancelled, it may have."""
        while len(self._open) >= MOST_OPEN:
            self._open.popleft().cancel()
        taken: bool = await self._nursery.start(self._show, notice)
        return taken

    def _offered(self, notice: Notice) -> list[Action]:
        """What leads somewhere."""
        return [each for each in notice.actions if each is Action.OPEN or self._page is not None]

    async def _show(self, notice: Notice, *, task_status: trio.TaskStatus[bool]) -> None:
        """Until it is closed."""
        offered = self._offered(notice)
        buttons = {each.value: t(_LABELS[each]) for each in offered}
        if offered:
            buttons[_DEFAULT] = t(_LABELS[offered[0]])
        is_shown, clicked = False, None

        def shown() -> None:
            nonlocal is_shown
            is_shown = True
            task_status.started(True)

        scope = trio.CancelScope()
        self._open.append(scope)
        try:
            with scope:
                clicked = await show_with_actions(notice.title, notice.text, buttons, shown)
                if clicked is not None:
                    await self._do(offered[0] if clicked == _DEFAULT else Action(clicked))
        except Exception as error:  # noqa: BLE001 (whatever ails the bus: the log has it, too)
            if not is_shown:
                log.info("the desktop cannot be told “%s”: %s", notice.title, why(error))
            elif clicked is not None:
                log.info("what was clicked on “%s” is not done: %s", notice.title, why(error))
        finally:
            if scope in self._open:
                self._open.remove(scope)
            if not is_shown:
                task_status.started(False)

    async def _do(self, action: Action) -> None:
        """Raises whatever keeps it from being done."""
        async with open_session_bus() as bus:
            if action is Action.OPEN:
                await open_folder(bus, str(self._mountpoint))
            elif self._page is not None:
                address = await self._page.address(_PLACES[action], self._drive)
                await open_address(bus, address)
