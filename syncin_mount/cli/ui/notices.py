"""Mounted drives are notified, and what they missed is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.app.open_drive import is_mounted
from syncin_mount.cli.ui import output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.app.notify import Unnotified
    from syncin_mount.config import Folders


def configuration_changed(folders: Folders, names: Iterable[str]) -> None:
    """Returns when those of the drives that are mounted follow the configuration."""
    mounted = [name for name in names if is_mounted(folders, name)]
    if not mounted:
        return  # start-up time
    from syncin_mount.app.notify import Notice, notify  # noqa: PLC0415 (start-up time)

    warn_of(output.run_async(notify, folders, mounted, Notice.CONFIGURATION))


def warn_of(missed: Iterable[Unnotified]) -> None:
    """Names the drives that did not take a notice, and when they follow."""
    from syncin_mount.app.messages import sentence  # noqa: PLC0415 (start-up time)

    for each in missed:
        output.warn(sentence(each))
