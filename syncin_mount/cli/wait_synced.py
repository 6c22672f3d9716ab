"""Waiting until the server has every change of some drives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from syncin_mount.cli.exit_status import CommandError, Exit, exit_for
from syncin_mount.cli.ui import output
from syncin_mount.control.client import Client, NotRunning
from syncin_mount.control.messages import SyncRequest
from syncin_mount.control.sockets import listens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.control.messages import Status


_PAUSED = "paused, and nothing is carried; let it go on: syncin-mount resume {name}"


def wait_for(
    folders: Folders, chosen: Sequence[Synchronization], *, only_mounted: bool, as_json: bool
) -> int:
    """Returns when the drives have nothing left that can be sent, and says what each still has; the
    exit status, as that of a run, the worst of them. ``only_mounted`` leaves out the others; else
    they are a CommandError."""
    drives = [each.name for each in chosen if listens(folders.socket(each.name))]
    absent = [each.name for each in chosen if each.name not in drives]
    if absent and not only_mounted:
        raise CommandError(
            f"'{absent[0]}' is not mounted, so nothing carries its changes; run 'sync {absent[0]}'"
        )
    ended: dict[str, Status | Exception] = output.run_async(_all_synced, folders, drives)
    worst = int(Exit.DONE)
    documents: list[object] = []
    for name in drives:
        status, sentence, left = _told(name, ended[name])
        worst = max(worst, status)
        documents.append(
            {"name": name, "waiting": left, "error": None if status == Exit.DONE else sentence}
        )
        if not as_json:
            (output.say if status == Exit.DONE else output.warn)(f"{name}: {sentence}")
    if as_json:
        output.emit_json(documents)
    elif not drives:
        output.say("nothing is mounted")
    return worst


async def _all_synced(folders: Folders, names: list[str]) -> dict[str, Status | Exception]:
    ended: dict[str, Status | Exception] = {}

    async def one(name: str) -> None:
        try:
            async with Client(folders.socket(name)) as daemon:
                before = await daemon.status()
                if before.paused:
                    raise CommandError(_PAUSED.format(name=name), Exit.UNFINISHED)  # noqa: TRY301 (as what the daemon raises)
                by_itself = before.schedule == "off" and not before.manual
                ended[name] = await (daemon.wait_synced() if by_itself else _after_a_run(daemon))
        except NotRunning:
            ended[name] = CommandError("unmounted meanwhile; what waits is kept", Exit.UNFINISHED)
        except Exception as error:  # noqa: BLE001 (it is told, beside how the others ended)
            ended[name] = error

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(one, name)
    return ended


async def _after_a_run(daemon: Client) -> Status:
    """Of a drive that runs on a schedule, or when it is told to: what is left could be hours away
    else."""
    if (await daemon.status()).waiting:
        async with daemon.sync(SyncRequest()) as events:
            async for _ in events:
                pass
    return await daemon.status()


def _told(name: str, how: Status | Exception) -> tuple[int, str, int | None]:
    """Exit status, sentence, and how many changes still wait (None: not known)."""
    if isinstance(how, Exception):
        return (*exit_for(how), None)
    if how.halted:
        return Exit.HALTED, how.halted, how.waiting
    if not how.waiting:
        return Exit.DONE, "everything is on the server", 0
    if how.paused:
        return Exit.UNFINISHED, _PAUSED.format(name=name), how.waiting
    if how.refused:
        return Exit.REFUSED, how.refused, how.waiting
    if how.online is False:
        return Exit.UNREACHABLE, how.why_offline or "the server is away", how.waiting
    left = output.count(how.waiting, "change")
    if how.failed:
        sentence = f"{left} for the server, and the last run came to no end: {how.failed}"
    elif any(each.lasting for each in how.problems) or not how.problems:
        sentence = f"{left} cannot be sent as it is; 'status {name}' says why"
    else:
        sentence = f"{left} could not be sent, and is tried again; 'status {name}' says why"
    return Exit.UNFINISHED, sentence, how.waiting
