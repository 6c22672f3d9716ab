"""`pause` and `resume`: nothing is synchronized for a while."""

from __future__ import annotations

import datetime as dt
import time

import click

from syncin_mount import advice
from syncin_mount.app.synchronizations import settings
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, notices, output, time_options
from syncin_mount.language import t

_everything = click.option("--all", "everything", is_flag=True, help="All synchronizations.")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_everything
@click.option("--for", "length", metavar="TIME", help="Resume after this long: 30m, 1h, 2d.")
@click.option("--until", metavar="TIME", help="Resume at this time: 18:30, or tomorrow (at 6:00).")
def pause(names: tuple[str, ...], everything: bool, length: str | None, until: str | None) -> None:
    """Pause synchronizations NAME until 'resume', in both directions.

    The drive works as without a network: changes stay pending, and files that are not on this
    computer yet cannot be opened. Transfers stop at once, and continue where they stopped. A pause
    outlasts unmounting and restarts, and stops 'sync', too. It is in force on this computer only.

    With --for or --until it ends by itself, also where the computer slept meanwhile.
    """
    if length is not None and until is not None:
        raise CommandError(t("give --for or --until, not both"), Exit.USAGE)
    end = _end(length, until, time.time())
    _set(names, everything=everything, paused=True, until=end)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_everything
def resume(names: tuple[str, ...], everything: bool) -> None:
    """Resume synchronizations NAME."""
    _set(names, everything=everything, paused=False)


def _end(length: str | None, until: str | None, now: float) -> int | None:
    """When the pause ends, in seconds since the epoch. Raises CommandError."""
    if length is not None:
        try:
            return settings.pause_end_after(time_options.age(length), now)
        except ValueError as error:
            raise CommandError(
                t("'{length}' is not accepted; give {error}", length=length, error=error),
                Exit.USAGE,
            ) from error
    if until is None:
        return None
    if until.strip().lower() == "tomorrow":
        return settings.pause_end_tomorrow(now)
    try:
        at = dt.datetime.strptime(until.strip(), "%H:%M").time()  # noqa: DTZ007 (local)
    except ValueError as error:
        told = t("'{until}' is no time of day; give it as 18:30, or 'tomorrow'", until=until)
        raise CommandError(told, Exit.USAGE) from error
    return settings.pause_end_at(at, now)


def _set(
    names: tuple[str, ...], *, everything: bool, paused: bool, until: int | None = None
) -> None:
    folders, configuration = lookup.load()
    chosen = lookup.chosen(configuration, names, everything=everything)
    now = time.time()
    before = {name: configuration.synchronizations[name] for name in chosen}

    settings.pause(folders, chosen, paused=paused, until=until)
    notices.configuration_changed(folders, chosen)
    for name, was in before.items():
        if was.is_paused(now) == paused and (not paused or was.paused_until == until):
            output.say(
                t("{name}: is paused already", name=name)
                if paused
                else t("{name}: is not paused", name=name)
            )
        elif paused:
            output.say(
                t(
                    "{name}: paused; nothing is transferred {ends}",
                    name=name,
                    ends=_ends(name, until),
                )
            )
        else:
            output.say(t("{name}: resumed; pending changes are uploaded", name=name))


def _ends(name: str, until: int | None) -> str:
    resume = advice.command("resume", name)
    if until is None:
        return t("until: {resume}", resume=resume)
    return t("until {time}, or until: {resume}", time=output.minute(until), resume=resume)
