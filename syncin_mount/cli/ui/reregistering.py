"""What becomes of synchronizations that the server has no more, as the terminal has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.app.messages import sentence
from syncin_mount.app.reregister import Reregistered, find_gone, register_again
from syncin_mount.cli.ui import output
from syncin_mount.cli.ui.notices import warn_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.config import Folders, Server


def register_and_say(folders: Folders, server: Server, names: Iterable[str]) -> tuple[str, ...]:
    """Registers again what the server does not have, and says so. Returns the names of those that
    it had. Raises RemoteError, ConfigurationError."""
    done: Reregistered = output.run_async(register_again, folders, server, list(names))
    for again, error in done.refused:
        output.warn(
            f"{again.name}: the server has it no more, and does not register it again"
            f" ({sentence(error, again.name)})"
        )
    for again in done.new:
        output.say(f"{again.name}: registered again for {again.remote}")
    warn_of(done.missed)
    return done.known


def find_and_say(folders: Folders, server: Server, names: Iterable[str]) -> None:
    """Names what the server does not have. Raises RemoteError, ConfigurationError."""
    gone, missed = output.run_async(find_gone, folders, server, list(names))
    for each in gone:
        output.warn(sentence(each))
    warn_of(missed)
