"""Sentences about what the reconciler found: halts, pending changes, problems."""

from __future__ import annotations

from reconciler.engine.pending_reason import PendingReason
from syncin_mount.app.messages import says


@says(PendingReason)
def _pending(reason: PendingReason, drive: str) -> str:  # noqa: ARG001
    return reason.why
