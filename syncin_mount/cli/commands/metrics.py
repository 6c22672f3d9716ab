"""`metrics`: figures for monitoring."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncin_mount.cli.exit_status import Exit, exit_for
from syncin_mount.cli.ui import lookup, output

if TYPE_CHECKING:
    from syncin_mount.app.runs.status_poller import DriveState

_EVERYBODY_READS = 0o644


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option(
    "--output",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Replace FILE by them as a whole, instead of printing them (-: print them).",
)
def command(names: tuple[str, ...], target: Path | None) -> None:
    """Print figures of synchronizations NAME, or of all, for Prometheus.

    The text format that Prometheus reads; each metric has a line of help. A drive that cannot be
    asked has 'syncin_mount_up' 0.

    With --output, for node_exporter's collector of text files. FILE is readable for everybody, and
    names the drives. A drive's control socket answers GET /metrics with its own.
    """
    folders, configuration = lookup.load()
    from syncin_mount.app.runs.status_poller import StatusPoller  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.support.metrics import exposition  # noqa: PLC0415

    chosen = [lookup.synchronization_named(configuration, name) for name in dict.fromkeys(names)]
    wanted = chosen if names else list(configuration.synchronizations.values())
    found = StatusPoller(folders).look_now(configuration, wanted, time.time())
    known = [each.status for each in found if each.status is not None]
    unanswered = [each.configured.name for each in found if each.status is None]
    text = exposition(known, unanswered)
    if target is None or target == Path("-"):
        output.say_lines(text.removesuffix("\n"))
    else:
        from syncin_mount.config.files import write_atomic  # noqa: PLC0415 (start-up time)

        write_atomic(target, text.encode(), mode=_EVERYBODY_READS)
    raise SystemExit(_warn_of(found))


def _warn_of(found: list[DriveState]) -> int:
    """Says which drives could not be asked, and returns the exit status."""
    status = int(Exit.DONE)
    for each in found:
        if each.error is not None:
            status, sentence = exit_for(each.error)
            output.warn(f"{each.configured.name}: {sentence}")
        elif each.status is None and each.supervised is not None and each.supervised.why:
            status = int(Exit.UNFINISHED)
            output.warn(f"{each.configured.name}: {each.supervised.why}")
    return status
