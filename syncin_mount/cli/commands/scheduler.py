"""`scheduler`: how the synchronizations' schedules are kept on this computer."""

from __future__ import annotations

from dataclasses import replace

import click

from syncin_mount.cli.ui import lookup, notices, output
from syncin_mount.config import ConfigurationFile, Scheduling
from syncin_mount.language import mark, t

_MEANS = {
    Scheduling.PARALLEL: mark("each run starts when it is due"),
    Scheduling.SEQUENTIAL: mark("a run that is due waits until another drive's has ended"),
    Scheduling.OFF: mark("no run starts on a schedule; 'sync' starts one"),
}


@click.command()
@click.argument("how", required=False, type=click.Choice([each.value for each in Scheduling]))
@output.json_option
def command(how: str | None, as_json: bool) -> None:
    """Choose HOW the schedules of all synchronizations work together; without HOW, show it.

    \b
    parallel     each run starts when it is due, beside others (the default)
    sequential   runs start one after another, whichever drive's they are
    off          no run starts on a schedule, until this is changed again

    How often a synchronization runs is its own setting: syncin-mount edit NAME --every 15m (or 2h,
    1d, off). One whose schedule is off synchronizes at each change while it is mounted, whatever is
    chosen here. Schedules are in force while a drive is mounted; missed runs are made up once.
    """
    folders, configuration = lookup.load()
    if how is not None:
        wanted = Scheduling(how)
        configuration = ConfigurationFile(folders).update(
            lambda now: replace(now, scheduling=wanted)
        )
        notices.configuration_changed(folders, configuration.synchronizations)
    scheduling = configuration.scheduling
    schedules = {each.name: str(each.scheduler) for each in configuration.synchronizations.values()}
    if as_json:
        each = [{"name": name, "schedule": schedule} for name, schedule in schedules.items()]
        output.emit_json({"scheduler": scheduling.value, "schedules": each})
        return
    output.say(f"{scheduling.value}: {t(_MEANS[scheduling])}")
    for name, schedule in schedules.items():
        output.say(
            t("  {name}: follows both sides by itself", name=name)
            if schedule == "off"
            else t("  {name}: every {schedule}", name=name, schedule=schedule)
        )
