"""Sentences about synchronizations that the server has no more."""

from __future__ import annotations

from syncin_mount.app.messages import command, says
from syncin_mount.app.reregister import GoneThere


@says(GoneThere)
def _gone_there(gone: GoneThere, _drive: str) -> str:
    return (
        f"{gone.drive}: the server has no synchronization of {gone.remote} for this computer any"
        " more, and nothing of it is carried; register it again"
        f" ({command('edit', gone.drive, '--register')}), or remove it"
        f" ({command('remove', gone.drive)})"
    )
