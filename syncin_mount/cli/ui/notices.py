"""Changes of settings and registrations, and what mounted drives and servers missed of them, as the
terminal has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.app.drives.open_drive import is_mounted
from syncin_mount.app.messages import sentence
from syncin_mount.cli.ui import output
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.app.processes.notices import Unnotified
    from syncin_mount.app.synchronizations.change_settings import SettingsChange
    from syncin_mount.app.synchronizations.reregister import Reregistered
    from syncin_mount.config import Folders, Server


def configuration_changed(folders: Folders, names: Iterable[str]) -> None:
    """Returns when those of the drives that are mounted follow the configuration."""
    mounted = [name for name in names if is_mounted(folders, name)]
    if not mounted:
        return  # start-up time
    from syncin_mount.app.processes.notices import Notice  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.processes.notify import notify  # noqa: PLC0415 (start-up time)

    warn_of(output.run_async(notify, folders, mounted, Notice.CONFIGURATION))


def warn_of(missed: Iterable[Unnotified]) -> None:
    """Names the drives that did not take a notice, and when they follow."""
    for each in missed:
        output.warn(sentence(each))


def warn_of_change(done: SettingsChange) -> None:
    """Says who could not be told of other settings."""
    warn_of(done.missed)
    if done.not_sent is not None:
        output.warn(
            t(
                "the server hears of it with the next run, as it could not be told now: {why}",
                why=sentence(done.not_sent, done.after.name),
            )
        )


def register_and_say(folders: Folders, server: Server, names: Iterable[str]) -> tuple[str, ...]:
    """Registers again what the server does not have, and says so. Returns the names of those that
    it had. Raises RemoteError, ConfigurationError."""
    from syncin_mount.app.synchronizations.reregister import register_again  # noqa: PLC0415 (start-up time)

    done: Reregistered = output.run_async(register_again, folders, server, list(names))
    for again, error in done.refused:
        output.warn(
            t(
                "{name}: the server has it no more, and does not register it again ({why})",
                name=again.name,
                why=sentence(error, again.name),
            )
        )
    for again in done.new:
        output.say(t("{name}: registered again for {remote}", name=again.name, remote=again.remote))
    warn_of(done.missed)
    return done.known


def find_and_say(folders: Folders, server: Server, names: Iterable[str]) -> None:
    """Names what the server does not have. Raises RemoteError, ConfigurationError."""
    from syncin_mount.app.synchronizations.reregister import find_gone  # noqa: PLC0415 (start-up time)

    gone, missed = output.run_async(find_gone, folders, server, list(names))
    for each in gone:
        output.warn(sentence(each))
    warn_of(missed)
