"""Sentences about daemons that do not do what they are asked."""

from __future__ import annotations

from syncin_mount.app.messages import remedies, says
from syncin_mount.control.client import NoAnswer
from syncin_mount.language import t


@says(NoAnswer)
def _no_answer(error: NoAnswer, _drive: str) -> str:
    return remedies.either(
        t("{error}; 'umount' ends it, its log says more", error=error),
        t("{error}; its log, in “Health”, says more", error=error),
    )
