"""Exit statuses, and the one place where an error becomes a status and a sentence."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any

import click

from syncin_mount.language import t
from syncin_mount.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.app.processes.spoken import Spoken
    from syncin_mount.app.runs.run_many import Ran
    from syncin_mount.app.runs.wait_synced import Waited
    from syncin_mount.control.messages import Report


class Exit(enum.IntEnum):
    """What the shell is told."""

    DONE = 0
    UNFINISHED = 1
    """Something failed, is pending (it is listed) or is not in the state that the command needs;
    also an error of the configuration, of this program or of this machine."""
    USAGE = 2
    """The command line is wrong: an option, a value, a name or what is missing. Nothing else."""
    UNREACHABLE = 3
    HALTED = 4
    REFUSED = 5
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot do what was asked. ``str()`` is one sentence: what, why, what to do."""

    def __init__(self, sentence: str, status: int = Exit.UNFINISHED) -> None:
        super().__init__(sentence)
        self.status = status


def exit_for(error: BaseException) -> tuple[int, str]:
    """Exit status and sentence of whatever ended a command. An empty sentence: nothing is to be
    said."""
    leaves = _leaves(error)
    for leaf in leaves:
        known = _known(leaf)
        if known is not None:
            return known
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        return Exit.INTERRUPTED, ""
    leaf = leaves[0]
    if isinstance(leaf, SystemExit):
        return (leaf.code if isinstance(leaf.code, int) else Exit.UNFINISHED), ""
    if isinstance(leaf, OSError) and leaf.strerror:
        why = f"{leaf.strerror}: {leaf.filename}" if leaf.filename else leaf.strerror
        return Exit.UNFINISHED, t("the system refused it ({why})", why=why)
    if isinstance(leaf, RuntimeError) and {"determine", "home"} <= {*str(leaf).split()}:
        # Of pathlib and platformdirs alike: for a user without account and HOME, as in containers,
        # and for what ``~NAME`` names where there is no such user.
        return Exit.UNFINISHED, t(
            "the home folder is not known; set HOME to its whole path, or write the path of what"
            " you mean without '~'"
        )
    return (
        Exit.UNFINISHED,
        t(
            "this is an error of the program ({error}); --debug shows where",
            error=f"{type(leaf).__name__}: {leaf}",
        ),
    )


def spoken_exit(error: BaseException) -> tuple[int, Spoken]:
    """The same for a process whose reader is another's."""
    from syncin_mount.app.processes.spoken import spoken  # noqa: PLC0415 (start-up time)

    return exit_for(error)[0], spoken(lambda: exit_for(error)[1])


_SEVERITY = (Exit.DONE, Exit.UNFINISHED, Exit.USAGE, Exit.UNREACHABLE, Exit.HALTED, Exit.REFUSED)


def exit_of_report(report: Report) -> Exit:
    """What the shell is told of a run that came to its end."""
    if report.refused:
        return Exit.REFUSED
    if report.halted:
        return Exit.HALTED
    if report.offline:
        return Exit.UNREACHABLE
    return Exit.UNFINISHED if report.problems else Exit.DONE


def exit_of_run(ran: Ran) -> Exit:
    """What the shell is told of a run, whether it came to its end or not."""
    if ran.report is not None:
        return exit_of_report(ran.report)
    assert ran.error is not None
    return Exit(exit_for(ran.error)[0])


def exit_of_wait(waited: Waited) -> tuple[int, str]:
    """Exit status and sentence of a wait for one drive."""
    if waited.error is not None:
        return exit_for(waited.error)
    from syncin_mount.app.messages import sentence  # noqa: PLC0415 (start-up time)

    return _OF_WAITS[waited.end.name], sentence(waited)


_OF_WAITS = {
    "SYNCED": Exit.DONE,
    "HALTED": Exit.HALTED,
    "PAUSED": Exit.UNFINISHED,
    "REFUSED": Exit.REFUSED,
    "OFFLINE": Exit.UNREACHABLE,
    "FAILED": Exit.UNFINISHED,
    "BLOCKED": Exit.UNFINISHED,
    "RETRIED": Exit.UNFINISHED,
}
"""By the name of `syncin_mount.app.runs.wait_synced.End`."""


def worst(statuses: Iterable[Exit]) -> Exit:
    """What the shell is told of several runs."""
    return max(statuses, key=_SEVERITY.index, default=Exit.DONE)


def _leaves(error: BaseException) -> list[BaseException]:
    """The exceptions in a group; nurseries pack even single ones."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]


def _known(error: BaseException) -> tuple[int, str] | None:
    """Errors whose text is a sentence for people already.

    Which modules they come from is looked up by name: a module that was never imported raised
    nothing.
    """
    if isinstance(error, CommandError):
        return error.status, str(error)
    if isinstance(error, click.Abort):
        return Exit.INTERRUPTED, ""
    if isinstance(error, click.UsageError):
        hint = ""
        if error.ctx:
            see = t("see '{command} --help'", command=error.ctx.command_path)
            hint = f" {see}"
        said = _usage(error)
        return Exit.USAGE, said + (f"{'' if said.endswith('?') else ';'}{hint}" if hint else "")
    if isinstance(error, click.ClickException):
        return Exit.USAGE, error.format_message()
    status = _OF_OURS.get(_qualified(type(error)))
    if _qualified(type(error)) == "syncin_mount.app.errors.NotMountable":
        status = getattr(error, "status", None) or Exit.UNFINISHED  # the daemon's own
    if status is None:
        status = next(
            (s for s in map(_OF_OURS.get, map(_qualified, type(error).__mro__)) if s is not None),
            None,
        )
    if status is None:
        return None
    from syncin_mount.app.messages import sentence  # noqa: PLC0415 (start-up time)

    return status, sentence(error)


def _usage(error: click.UsageError) -> str:
    """Click's own sentences in the program's words, with what was most likely meant."""
    if isinstance(error, click.NoSuchOption):
        meant = did_you_mean(error.option_name, error.possibilities or ())
        return t("there is no option '{option}'{meant}", option=error.option_name, meant=meant)
    said = error.format_message().rstrip(".")
    if isinstance(error, click.BadParameter) and error.param is not None:
        choice = error.param.type
        given = re.match(r"'(.*?)' is not one of", error.message, re.DOTALL)
        if isinstance(choice, click.Choice) and given is not None:
            said += did_you_mean(given[1], map(str, choice.choices))
    return said


def _qualified(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__name__}"


_OF_OURS: dict[str, Exit] = {
    "syncin_mount.app.errors.InvalidRequest": Exit.USAGE,
    "syncin_mount.app.errors.NotPossible": Exit.UNFINISHED,
    "syncin_mount.app.errors.ServerSaysNo": Exit.REFUSED,
    "syncin_mount.config.file.ConfigurationError": Exit.UNFINISHED,
    "syncin_mount.config.filters.FilterError": Exit.USAGE,
    "syncin_mount.config.folders.FolderError": Exit.UNFINISHED,
    "syncin_mount.config.tokens.TokenError": Exit.UNFINISHED,
    "syncin_mount.control.failures.ControlError": Exit.UNFINISHED,
    "syncin_mount.control.service.NotDone": Exit.UNFINISHED,
    "syncin_mount.control.supervision.SupervisorError": Exit.UNFINISHED,
    "syncin_mount.errors.DaemonError": Exit.UNFINISHED,
    "syncin_mount.store.errors.ReplicaError": Exit.UNFINISHED,
    "syncin_mount.vfs.frontend.MountError": Exit.UNFINISHED,
    "reconciler.errors.Unreachable": Exit.UNREACHABLE,
    "reconciler.errors.ServerFault": Exit.UNREACHABLE,
    "reconciler.errors.ListingBroken": Exit.UNREACHABLE,
    "reconciler.errors.Mismatch": Exit.UNREACHABLE,
    "reconciler.errors.RemoteError": Exit.REFUSED,
}
"""The nearest class in an error's ancestry decides. A lost or failing server counts as unreachable;
everything else that it says is a refusal."""
