"""Sentences about the supervisor, the daemons that it starts, and what they answer."""

from __future__ import annotations

from syncin_mount.app.messages import command, says
from syncin_mount.app.processes.spawn import EndedSilently
from syncin_mount.control.supervision import NothingSupervised
from syncin_mount.errors import SupervisorRuns


@says(SupervisorRuns)
def _runs(error: SupervisorRuns, _drive: str) -> str:
    return f"{error}; '{command('up')}' has it look again, '{command('down')}' ends it"


@says(NothingSupervised)
def _nothing(error: NothingSupervised, _drive: str) -> str:
    return f"{error}; '{command('up')}' begins it"


@says(EndedSilently)
def _silently(ended: EndedSilently, _drive: str) -> str:
    perhaps = ""
    if ended.perhaps_damaged:
        check = command("check", ended.drive)
        perhaps = f"; '{check}' tells whether its local copy is damaged"
    return f"{ended}{perhaps}; its log says more: {ended.log}"
