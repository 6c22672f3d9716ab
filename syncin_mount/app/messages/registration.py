"""Sentences about synchronizations that came from the server, or that it has no more."""

from __future__ import annotations

from syncin_mount.app.messages import remedies, says
from syncin_mount.app.synchronizations.adoption import TakenUp
from syncin_mount.app.synchronizations.reregister import GoneThere
from syncin_mount.language import t


@says(GoneThere)
def _gone_there(gone: GoneThere, _drive: str) -> str:
    return t(
        "{drive}: the server has no synchronization of {remote} for this computer any more, and"
        " nothing of it is transferred; register it again ({register}), or remove it ({remove})",
        drive=gone.drive,
        remote=gone.remote,
        register=remedies.register(gone.drive),
        remove=remedies.remove(gone.drive),
    )


@says(TakenUp)
def _taken_up(taken: TakenUp, _drive: str) -> str:
    new = taken.new
    return t(
        "the server lists the synchronization '{drive}' of {remote} for this computer: it is in the"
        " configuration now, disabled; mount it at {mountpoint} ({mount}), or remove it ({remove})",
        drive=new.name,
        remote=new.remote,
        mountpoint=new.mountpoint,
        mount=remedies.mount(new.name),
        remove=remedies.remove(new.name),
    )
