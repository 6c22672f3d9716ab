"""`status`: how the synchronizations are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount.cli import configured, output
from syncin_mount.cli.exits import Exit, explain
from syncin_mount.cli.replicas import daemon_of, resting_status

if TYPE_CHECKING:
    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.control.messages import Status


@click.command()
@click.argument("name", required=False)
@output.json_option
def command(name: str | None, as_json: bool) -> None:
    """Show how synchronization NAME is, or all of them: mounted, online, what waits, what went wrong.

    (--watch is not there yet.)
    """
    folders, configuration = configured.load()
    chosen = list(configuration.synchronizations.values())
    if name is not None:
        chosen = [configured.synchronization_named(configuration, name)]
    statuses: list[Status] = []
    worst = int(Exit.DONE)
    for each in chosen:
        try:
            statuses.append(output.run_async(_status, folders, each))
        except Exception as error:
            if name is not None:
                raise
            # One synchronization that cannot tell must not hide the others.
            worst, sentence = explain(error)
            output.warn(f"{each.name}: {sentence}")
    if as_json:
        import msgspec  # noqa: PLC0415 (start-up time)

        output.emit_json(msgspec.to_builtins(statuses))
    elif name is not None:
        _show_one(statuses[0])
    else:
        _show_all(statuses)
    raise SystemExit(worst)


async def _status(folders: Folders, synchronization: Synchronization) -> Status:
    async with daemon_of(folders, synchronization.name) as daemon:
        if daemon is not None:
            return await daemon.status()
    return resting_status(folders, synchronization)


def _show_all(statuses: list[Status]) -> None:
    output.emit_table(
        ("NAME", "MOUNTED", "SERVER", "WAITING", "TO FETCH", "LAST RUN", "NOW"),
        [
            (
                each.name,
                each.mountpoint if each.mounted else "no",
                _server(each),
                str(each.waiting),
                str(each.absent),
                output.moment(each.last_run),
                _now(each),
            )
            for each in statuses
        ],
        empty="no synchronizations yet; add one: syncin-mount add NAME --server S --remote PATH --mountpoint DIR",
    )


def _show_one(status: Status) -> None:
    fields = [
        ("name", status.name),
        ("mounted", f"at {status.mountpoint} (process {status.pid})" if status.mounted else "no"),
        ("server", f"{_server(status)}{f' ({status.why_offline})' if status.why_offline else ''}"),
        ("remote", status.remote),
        ("runs", _runs(status)),
        ("now", _now(status)),
        ("in common", output.count(status.known, "file or folder", "files and folders")),
        ("waiting", output.count(status.waiting, "change") + " for the server"),
        ("to fetch", output.count(status.absent, "file")),
        ("last run", output.moment(status.last_run)),
    ]
    if status.next_try is not None:
        fields.append(("next try", output.moment(status.next_try)))
    if status.bin:
        fields.append(("bin", status.bin))
    if status.restriction:
        fields.append(("read-only", status.restriction))
    if status.halted:
        fields.append(("halted", status.halted))
    if status.refused:
        fields.append(("refused", status.refused))
    fields += [
        (running.op, f"{running.path} ({output.size(running.done)} of {output.size(running.size)})")
        for running in status.transfers
    ]
    fields += [("problem", f"{each.path}: {each.why}" if each.path else each.why) for each in status.problems]
    output.emit_fields(fields)


def _runs(status: Status) -> str:
    if status.manual:
        return "by 'sync' only"
    if status.schedule == "off":
        return "by itself while mounted"
    if status.paused:
        return f"every {status.schedule}, once it is resumed"
    if status.waits_for_turn:
        return f"every {status.schedule}; due, and waits for another drive's run"
    if status.next_run is None:
        return f"every {status.schedule}, but not now: {'the scheduler is off' if status.mounted else 'not mounted'}"
    return f"every {status.schedule}, next at {output.moment(status.next_run)}"


def _server(status: Status) -> str:
    if status.online is None:
        return "not asked yet" if status.mounted else "-"
    return "online" if status.online else "offline"


def _now(status: Status) -> str:
    if status.paused:
        return "paused"
    if status.halted:
        return "halted"
    if status.refused:
        return "refused by the server"
    if status.running:
        return status.running
    if not status.mounted:
        return "-"
    problems = sum(each.lasting for each in status.problems)
    return output.count(problems, "problem") if problems else "idle"
