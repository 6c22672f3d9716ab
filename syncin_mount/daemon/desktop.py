"""Notices on the desktop: org.freedesktop.Notifications on the session's bus. Without one nothing
happens."""

from __future__ import annotations

import html
import logging
import os
import sys
from typing import TYPE_CHECKING

import trio

from syncin_mount.app.messages import sentence_or_none
from syncin_mount.config import ConfigurationError
from syncin_mount.daemon.notifications import Notices, State
from syncin_mount.printable import printable

if TYPE_CHECKING:
    from syncin_mount.app.runtime.runtime import Runtime
    from syncin_mount.config import ConfigurationFile
    from syncin_mount.daemon.notifications import Notice

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between looks at what is new."""

PATIENCE = 10.0
"""Seconds that the desktop gets to take a notice."""


async def keep_told(runtime: Runtime, file: ConfigurationFile) -> None:
    """Tells of what needs somebody, for ever. The drive never waits for it, and no trouble of the
    desktop's reaches it."""
    if not has_desktop():
        return
    name = runtime.synchronization.name
    notices = Notices(name)
    while True:
        await trio.sleep(LOOK_EVERY)
        now = runtime.engine.status()
        halted, refused = (sentence_or_none(each, name) for each in (now.halted, now.refused))
        state = State(now.conflicts, halted, refused, now.online, runtime.hydrator.offline_reads)
        found = notices.follow(trio.current_time(), state)
        if found and _wanted(file):
            for notice in found:
                await tell(notice)


def has_desktop() -> bool:
    """Whether a session's bus is named to this process."""
    return sys.platform == "linux" and "DBUS_SESSION_BUS_ADDRESS" in os.environ


def _wanted(file: ConfigurationFile) -> bool:
    try:
        return file.read().notifications
    except ConfigurationError:
        return True


async def tell(notice: Notice) -> bool:
    """Whether the desktop took it. Cancelled, it may have."""
    from jeepney import DBusAddress, MessageType, new_method_call  # noqa: PLC0415 (only where there is a desktop)
    from jeepney.io.trio import open_dbus_router  # noqa: PLC0415

    where = DBusAddress(
        "/org/freedesktop/Notifications",
        "org.freedesktop.Notifications",
        "org.freedesktop.Notifications",
    )
    # The text may hold names from others, and desktops read it as markup.
    body: tuple[object, ...] = (
        "syncin-mount",
        0,
        "folder-remote",
        printable(notice.title),
        html.escape(printable(notice.text), quote=False),
        [],
        {},
        -1,
    )
    try:
        with trio.fail_after(PATIENCE):
            async with open_dbus_router(bus="SESSION") as router:
                reply = await router.send_and_get_reply(
                    new_method_call(where, "Notify", "susssasa{sv}i", body)
                )
    except Exception as error:  # noqa: BLE001 (whatever ails the bus: the log has the sentence, too)
        log.info("the desktop cannot be told “%s”: %s", notice.title, error)
        return False
    return reply.header.message_type is MessageType.method_return
