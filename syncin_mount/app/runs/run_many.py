"""Runs of several synchronizations for one command: one after another or side by side, each by its
daemon or here."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import trio

from reconciler.phrases import Phrase
from syncin_mount.app.drives.open_drive import open_drive
from syncin_mount.app.errors import NotPossible, Paused

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import Progress, Report, SyncRequest

AT_ONCE = 4
"""Runs beside one another in this process. Those of mounted drives are their daemons' work."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How one of them ended: its report, or the error that there is none for."""

    name: str
    report: Report | None = None
    error: Exception | None = None


class RunProgress(Protocol):
    """Is told how runs go on, while they do."""

    def show(self, name: str, progress: Progress) -> None:
        """This is how far the run of the drive ``name`` is."""
        ...

    def ended(self, ran: Ran) -> None:
        """This run is over."""
        ...


async def run_all(
    folders: Folders,
    configuration: Configuration,
    chosen: list[Synchronization],
    request: SyncRequest,
    *,
    parallel: bool,
    progress: RunProgress,
) -> list[Ran]:
    """How each ended, in their order; ``progress`` is told meanwhile. One that fails does not keep
    the others from running. Cancelling it ends the runs, also the daemons', and leaves everything
    resumable."""
    ended: dict[str, Ran] = {}
    here = trio.CapacityLimiter(AT_ONCE)

    async def run(synchronization: Synchronization) -> None:
        name = synchronization.name
        try:
            report = await _run(folders, configuration, synchronization, request, progress, here)
            ended[name] = Ran(name, report=report)
        except Exception as error:  # noqa: BLE001 (it is told, beside how the others ended)
            ended[name] = Ran(name, error=error)
        progress.ended(ended[name])

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
    progress: RunProgress,
    here: trio.CapacityLimiter,
) -> Report:
    """Raises what ended it."""
    from syncin_mount.control.failures import error_of  # noqa: PLC0415 (start-up time)
    from syncin_mount.control.messages import Failure, Progress  # noqa: PLC0415

    name = synchronization.name
    if synchronization.is_paused(time.time()) and not request.dry_run:
        raise Paused(name)
    report: Report | None = None
    async with contextlib.AsyncExitStack() as stack:
        drive = await stack.enter_async_context(open_drive(folders, configuration, synchronization))
        if not drive.mounted:
            await stack.enter_async_context(here)
        async for event in await stack.enter_async_context(drive.sync(request)):
            if isinstance(event, Progress):
                progress.show(name, event)
            elif isinstance(event, Failure):
                raise error_of(event)
            else:
                report = event
    if report is None:
        raise NotPossible(Phrase("the run of '{name}' ended without a report", name=name))
    return report
