"""What the commands have to do with the supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.control.supervision import NoSupervisor, ask

if TYPE_CHECKING:
    from syncin_mount.config import Folders
    from syncin_mount.control.supervision import Answer, Ask


def told(folders: Folders, request: Ask, *, seconds: float | None = 60.0) -> Answer | None:
    """The supervisor's answer, or None when there is no supervisor. Raises SupervisorError when it
    does not answer."""
    try:
        return ask(folders, request, seconds=seconds)
    except NoSupervisor:
        return None
