"""`sync`: one run, now, of one or more synchronizations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import click

from syncin_mount.cli.exit_status import Exit, exit_for, exit_of_run, exit_of_wait, worst
from syncin_mount.cli.ui import lookup, output, run_report
from syncin_mount.cli.ui.rate_option import Rate
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.app.runs.run_many import Ran
    from syncin_mount.app.runs.wait_synced import Waited
    from syncin_mount.config import Configuration, Folders, Synchronization
    from syncin_mount.control.messages import SyncRequest


_PLAN = re.compile(r"[0-9a-f]{12}")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every enabled synchronization.")
@click.option("--parallel", is_flag=True, help="Side by side instead of one after another.")
@click.option(
    "--limit-up", type=Rate(), help="To the server at most, each, in this run: 500K, 2M, off."
)
@click.option("--limit-down", type=Rate(), help="From the server at most, each, in this run.")
@click.option(
    "--wait",
    is_flag=True,
    help="Wait until mounted drives have uploaded all changes.",
)
@click.option("--dry-run", is_flag=True, help="Only list what would be done.")
@click.option(
    "--each", "each_one", is_flag=True, help="List each change and problem, however many there are."
)
@click.option(
    "--yes",
    metavar="[PLAN]",
    is_flag=False,
    flag_value="",
    help=(
        "Confirm a run that a guard halted; with the PLAN that --dry-run printed, do exactly"
        " that or nothing."
    ),
)
@output.json_option
def command(
    names: tuple[str, ...],
    everything: bool,
    parallel: bool,
    limit_up: int | str | None,
    limit_down: int | str | None,
    wait: bool,
    dry_run: bool,
    each_one: bool,
    yes: str | None,
    as_json: bool,
) -> None:
    """Synchronize NAME now, mounted or not.

    Returns when both sides are the same and all contents are on this computer. Ctrl-C stops it at
    any moment; the next run continues. A run that fails does not stop the others.

    With --wait, start no run, but wait until the mounted drives have uploaded everything (a drive
    on a schedule starts one). A change that needs a decision of yours is not waited for. With
    --all, drives that are not mounted are left out.

    Exit status: 0 success; 1 something failed or is pending; 3 the server is unreachable; 4 a guard
    halted the run; 5 the server refused it; the worst of several runs.
    """
    from syncin_mount.control.messages import SyncRequest  # noqa: PLC0415 (start-up time)

    folders, configuration = lookup.load()
    plan = yes if yes and _PLAN.fullmatch(yes) else None
    if yes and plan is None:  # `--yes NAME`
        names = (yes, *names)
    chosen = _chosen(configuration, names, everything=everything)
    if plan and (dry_run or len(chosen) != 1):
        raise click.UsageError(t("a plan is confirmed alone: sync NAME --yes PLAN"))
    if wait:
        if parallel or dry_run or yes is not None or limit_up is not None or limit_down is not None:
            raise click.UsageError(t("--wait starts no run, and goes with names or --all only"))
        _wait(folders, configuration, chosen, only_mounted=everything, as_json=as_json)
    request = SyncRequest(
        dry_run=dry_run,
        confirmed=yes is not None and plan is None,
        plan=plan,
        limit_up=None if limit_up is None else Rate.value(limit_up) or 0,
        limit_down=None if limit_down is None else Rate.value(limit_down) or 0,
    )
    ran = _run(folders, configuration, chosen, request, parallel=parallel)
    if len(ran) == 1 and ran[0].error is not None:
        raise ran[0].error
    if as_json:
        output.emit_json([_plain(each) for each in ran])
    else:
        for each in ran:
            _tell(each, several=len(ran) > 1, each_one=each_one)
    raise SystemExit(worst(map(exit_of_run, ran)))


def _run(
    folders: Folders,
    configuration: Configuration,
    chosen: list[Synchronization],
    request: SyncRequest,
    *,
    parallel: bool,
) -> list[Ran]:
    from syncin_mount.app.runs.run_many import run_all  # noqa: PLC0415 (start-up time)
    from syncin_mount.cli.ui.progress_bars import ProgressView  # noqa: PLC0415

    async def run() -> list[Ran]:
        with ProgressView([each.name for each in chosen]) as view:
            return await run_all(
                folders, configuration, chosen, request, parallel=parallel, progress=view
            )

    try:
        ran: list[Ran] = output.run_async(run)
    except BaseException as error:
        if exit_for(error)[0] == Exit.INTERRUPTED and not request.dry_run:
            output.warn(t("stopped; the next run continues"))
        raise
    return ran


def _wait(
    folders: Folders,
    configuration: Configuration,
    chosen: list[Synchronization],
    *,
    only_mounted: bool,
    as_json: bool,
) -> NoReturn:
    from syncin_mount.app.runs.wait_synced import wait_synced  # noqa: PLC0415 (start-up time)

    async def run() -> list[Waited]:
        return await wait_synced(folders, configuration, chosen, only_mounted=only_mounted)

    ended: list[Waited] = output.run_async(run)
    told = [(each, *exit_of_wait(each)) for each in ended]
    if as_json:
        output.emit_json(
            [
                {
                    "name": each.drive,
                    "waiting": each.left,
                    "error": None if status == Exit.DONE else text,
                }
                for each, status, text in told
            ]
        )
    else:
        for each, status, text in told:
            (output.say if status == Exit.DONE else output.warn)(f"{each.drive}: {text}")
        if not ended:
            output.say(t("nothing is mounted"))
    raise SystemExit(max((status for _, status, _ in told), default=Exit.DONE))


def _plain(ran: Ran) -> object:
    if ran.report is not None:
        return ran.report
    assert ran.error is not None
    status, sentence = exit_for(ran.error)
    return {"name": ran.name, "error": sentence, "status": status}


def _tell(ran: Ran, *, several: bool, each_one: bool) -> None:
    if ran.report is None:
        assert ran.error is not None
        output.warn(f"{ran.name}: {exit_for(ran.error)[1]}")
        return
    if several and ran.report.actions:
        output.say(f"{ran.name}:")
    run_report.show(ran.report, each_one=each_one)


def _chosen(
    configuration: Configuration, names: tuple[str, ...], *, everything: bool
) -> list[Synchronization]:
    if everything and names:
        raise click.UsageError(t("give names or --all, not both"))
    if everything:
        found = [each for each in configuration.synchronizations.values() if each.enabled]
        if not found:
            output.warn(
                t("there is no enabled synchronization; 'syncin-mount list' shows all of them")
            )
        return found
    if not names:
        raise click.UsageError(t("say which: NAME, or --all"))
    return [lookup.synchronization_named(configuration, name) for name in dict.fromkeys(names)]
