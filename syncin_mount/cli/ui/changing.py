"""Settings are changed, and what could not be told is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.notices import warn_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.app.change_settings import SettingsChange
    from syncin_mount.config import Synchronization


def change_settings(
    name: str, change: Callable[[Synchronization], Synchronization]
) -> tuple[Synchronization, Synchronization]:
    """`syncin_mount.app.change_settings` for a command: the settings as they were and are. Raises
    CommandError, ConfigurationError, and what ``change`` raises."""
    from syncin_mount.app.change_settings import change_settings as change_them  # noqa: PLC0415
    from syncin_mount.app.messages import sentence  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    lookup.synchronization_named(configuration, name)
    done: SettingsChange = output.run_async(change_them, folders, name, change)
    warn_of(done.missed)
    if done.not_sent is not None:
        output.warn(
            "the server hears of it with the next run, as it could not be told now:"
            f" {sentence(done.not_sent, name)}"
        )
    return done.before, done.after
