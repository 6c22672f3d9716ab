"""The drive's process as in production, but for one trap: ``python -m tests.crash.daemon mount …`` is
``syncin-mount mount …`` with the kill that SYNCIN_CRASH_KILL names (``points.Kill``, none when empty).

With SYNCIN_CRASH_HURRY it does within tenths of a second what else takes seconds: commits of the index, and the wait
until changes have settled. So a kill meets them that comes soon.

What ``check`` finds in the replica right after its start goes to the file SYNCIN_CRASH_CHECK, one problem a line; a
clean one makes it empty.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from reconciler.engine import Engine
from syncin_mount.cli import main
from syncin_mount.daemon import runtime
from syncin_mount.store import Replica, check
from tests.crash.points import Kill, Trap

KILL, CHECK, HURRY = "SYNCIN_CRASH_KILL", "SYNCIN_CRASH_CHECK", "SYNCIN_CRASH_HURRY"


class Checked(Replica):
    """Looks at itself once it is open."""

    @classmethod
    def open(cls, *arguments: Any, **named: Any) -> Any:
        replica = super().open(*arguments, **named)
        found = [f"node {each.node}: {each.what}\n" for each in check(replica)]
        Path(os.environ[CHECK]).write_text("".join(found))
        return replica


if __name__ == "__main__":
    if os.environ.get(KILL):
        Trap(Kill.parse(os.environ[KILL])).set()
    if os.environ.get(HURRY):
        runtime.COMMIT_EVERY = 0.15
        setattr(runtime, "Engine", functools.partial(Engine, settle_seconds=0.2))  # noqa: B010 - as below
    setattr(runtime, "Replica", Checked)  # noqa: B010 - what it opens, and no other
    main()
