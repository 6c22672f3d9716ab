"""Sentences about synchronizations that came from the server, or that it has no more."""

from __future__ import annotations

from syncin_mount.app.messages import command, says
from syncin_mount.app.synchronizations.adoption import TakenUp
from syncin_mount.app.synchronizations.reregister import GoneThere


@says(GoneThere)
def _gone_there(gone: GoneThere, _drive: str) -> str:
    return (
        f"{gone.drive}: the server has no synchronization of {gone.remote} for this computer any"
        " more, and nothing of it is transferred; register it again"
        f" ({command('edit', gone.drive, '--register')}), or remove it"
        f" ({command('remove', gone.drive)})"
    )


@says(TakenUp)
def _taken_up(taken: TakenUp, _drive: str) -> str:
    new = taken.new
    return (
        f"the server lists the synchronization '{new.name}' of {new.remote} for this computer: it"
        f" is in the configuration now, disabled; mount it at {new.mountpoint}"
        f" ({command('mount', new.name)}), or remove it ({command('remove', new.name)})"
    )
