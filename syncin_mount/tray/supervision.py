"""What the tray icon needs of the supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from syncin_mount.config import Configuration
    from syncin_mount.control.supervision import Supervised


class Supervision(Protocol):
    """The drives as the supervisor holds them. Everything is called from its trio thread."""

    @property
    def configuration(self) -> Configuration:
        """As it was read last."""
        ...

    def supervised(self) -> tuple[Supervised, ...]:
        """All drives that are to be mounted, and how they are."""
        ...

    async def wait_changed(self) -> None:
        """Returns when either may have become different."""
        ...

    def mount(self, name: str) -> None:
        """Has the drive up again, and tries at once."""
        ...
