"""Sentences about the supervisor, the daemons that it starts, and what they answer."""

from __future__ import annotations

from syncin_mount.app.messages import command, remedies, says
from syncin_mount.app.processes.at_login import NoSystemd, SystemdRefused
from syncin_mount.app.processes.spawn import EndedSilently
from syncin_mount.control.failures import NoAnswer
from syncin_mount.control.supervision import NothingSupervised
from syncin_mount.errors import SupervisorRuns
from syncin_mount.language import said, t


@says(SupervisorRuns)
def _runs(error: SupervisorRuns, _drive: str) -> str:
    return t(
        "{error}; '{up}' has it look again, '{down}' ends it",
        error=error,
        up=command("up"),
        down=command("down"),
    )


@says(NothingSupervised)
def _nothing(error: NothingSupervised, _drive: str) -> str:
    return t("{error}; '{command}' begins it", error=error, command=command("up"))


@says(EndedSilently)
def _silently(ended: EndedSilently, _drive: str) -> str:
    if ended.perhaps_damaged:
        return t(
            "{error}; {command} tells whether its local copy is damaged; its log says more: {log}",
            error=ended,
            command=remedies.check(ended.drive),
            log=ended.log,
        )
    return t("{error}; its log says more: {log}", error=ended, log=ended.log)


@says(NoAnswer)
def _no_answer(error: NoAnswer, drive: str) -> str:
    return remedies.either(
        t(
            "{error}; {command} ends it, its log says more",
            error=error,
            command=remedies.end_hung(error.drive or drive or "NAME"),
        ),
        t("{error}; “Health” can end it, and has its log", error=error),
    )


@says(NoSystemd)
def _no_systemd(error: NoSystemd, _drive: str) -> str:
    return remedies.either(
        t(
            "{error}; put 'syncin-mount up' into what starts your session: the desktop's"
            " autostart, or ~/.profile",
            error=error,
        ),
        said(error),
    )


@says(SystemdRefused)
def _systemd_refused(error: SystemdRefused, _drive: str) -> str:
    return remedies.either(
        t(
            "{error}; without it, put 'syncin-mount up' into what starts your session",
            error=error,
        ),
        said(error),
    )
