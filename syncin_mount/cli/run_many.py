"""Runs of several synchronizations for one command: one after another or side by side, each by its
daemon or here."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from syncin_mount.cli.exit_status import CommandError, Exit, exit_for
from syncin_mount.cli.ui.progress_bars import ProgressView
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import Report, SyncEvent, SyncRequest

AT_ONCE = 4
"""Runs beside one another in this process. Those of mounted drives are their daemons' work."""

_SEVERITY = (Exit.DONE, Exit.UNFINISHED, Exit.USAGE, Exit.UNREACHABLE, Exit.HALTED, Exit.REFUSED)


@dataclass(frozen=True, slots=True)
class Ran:
    """How one of them ended: its report, or the error that there is none for."""

    name: str
    report: Report | None = None
    error: Exception | None = None

    @property
    def status(self) -> Exit:
        if self.report is None:
            assert self.error is not None
            return Exit(exit_for(self.error)[0])
        return status_of(self.report)


def status_of(report: Report) -> Exit:
    """What the shell is told of a run."""
    if report.refused:
        return Exit.REFUSED
    if report.halted:
        return Exit.HALTED
    if report.offline:
        return Exit.UNREACHABLE
    return Exit.UNFINISHED if report.problems else Exit.DONE


def worst(ran: list[Ran]) -> Exit:
    """What the shell is told of them all."""
    return max((each.status for each in ran), key=_SEVERITY.index, default=Exit.DONE)


async def run_all(
    folders: Folders,
    configuration: Configuration,
    chosen: list[Synchronization],
    request: SyncRequest,
    *,
    parallel: bool,
) -> list[Ran]:
    """How each ended, in their order; progress goes to the terminal meanwhile. One that fails does
    not keep the others from running. Cancelling it ends the runs, also the daemons', and leaves
    everything resumable."""
    ended: dict[str, Ran] = {}
    here = trio.CapacityLimiter(AT_ONCE)
    with ProgressView([each.name for each in chosen]) as view:

        async def run(synchronization: Synchronization) -> None:
            name = synchronization.name
            try:
                report = await _run(folders, configuration, synchronization, request, view, here)
                ended[name] = Ran(name, report=report)
            except Exception as error:  # noqa: BLE001 (it is told, beside how the others ended)
                ended[name] = Ran(name, error=error)
            view.ended(name, ended[name].status)

        async with trio.open_nursery() as nursery:
            for each in chosen:
                if parallel:
                    nursery.start_soon(run, each)
                else:
                    await run(each)
    return [ended[each.name] for each in chosen]


async def _run(
    folders: Folders,
    configuration: Configuration,
    synchronization: Synchronization,
    request: SyncRequest,
    view: ProgressView,
    here: trio.CapacityLimiter,
) -> Report:
    """Raises what ended it."""
    from syncin_mount.control.client import error_of  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.messages import Failure, Progress  # noqa: PLC0415

    if synchronization.paused and not request.dry_run:
        name = synchronization.name
        sentence = (
            f"'{name}' is paused, and nothing is carried; let it go on: syncin-mount resume {name}"
        )
        raise CommandError(sentence, Exit.UNFINISHED)
    report: Report | None = None
    async with _events(folders, configuration, synchronization, request, here) as events:
        async for event in events:
            if isinstance(event, Progress):
                view.show(synchronization.name, event)
            elif isinstance(event, Failure):
                raise error_of(event)
            else:
                report = event
    if report is None:
        raise CommandError(
            f"the run of '{synchronization.name}' ended without a report", Exit.UNFINISHED
        )
    return report


@contextlib.asynccontextmanager
async def _events(
    folders: Folders,
    configuration: Configuration,
    synchronization: Synchronization,
    request: SyncRequest,
    here: trio.CapacityLimiter,
) -> AsyncIterator[AsyncIterator[SyncEvent]]:
    """From the daemon when the drive is mounted, else from a run in this process."""
    socket = folders.socket(synchronization.name)
    if listens(socket):
        from syncin_mount.control.client import Client  # noqa: PLC0415 (start-up time)

        async with Client(socket) as daemon, daemon.sync(request) as events:
            yield events
        return
    from syncin_mount.app.run_events import sync_events  # noqa: PLC0415
    from syncin_mount.app.runtime import open_runtime  # noqa: PLC0415
    from syncin_mount.logs.files import log_task_to  # noqa: PLC0415 (start-up time)

    server = configuration.servers[synchronization.server]
    async with here:
        log_task_to(folders.log(synchronization.name), configuration.log)
        async with (
            open_runtime(folders, server, synchronization, alone=True) as runtime,
            sync_events(runtime, request) as events,
        ):
            yield events
