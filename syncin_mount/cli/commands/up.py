"""`up`: every enabled synchronization mounted, and kept so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.cli.exit_status import CommandError, Exit, spoken_exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.status_table import supervision
from syncin_mount.control.supervision import NAME, Ask, Phase, What, ask
from syncin_mount.language import t

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Folders, LogLevel
    from syncin_mount.control.supervision import Answer


@click.command()
@click.option("--foreground", is_flag=True, help="Stay here; Ctrl-C unmounts all and ends.")
@click.option("--at-login", is_flag=True, help="Also from every log-in on, by a systemd user unit.")
@click.option("--not-at-login", is_flag=True, help="Not by itself any more; what is mounted stays.")
@click.option(
    "--for-user",
    metavar="USER",
    help="With one of these two, as root: for that user, from the start of the computer on.",
)
@click.option(
    "--ready-fd", type=int, hidden=True, help="Where the supervisor says that it answers."
)
def command(
    foreground: bool, at_login: bool, not_at_login: bool, for_user: str | None, ready_fd: int | None
) -> None:
    """Mount every enabled synchronization, and keep them mounted.

    A supervisor stays in the background. It mounts a drive again whose daemon was killed (after
    pauses that grow when that does not help), and follows what is added, removed, enabled and
    disabled. What you unmount stays unmounted until 'mount' or the next 'up'.

    Returns when each drive is mounted or could not be. 'up' again tries those at once that failed;
    'down' ends it.

    \b
    On a desktop:          syncin-mount up --at-login
    On a headless server:  syncin-mount up --at-login --for-user USER (as root)
    """
    if for_user is not None and not (at_login or not_at_login):
        raise click.UsageError(t("--for-user goes with --at-login or --not-at-login"))
    if at_login + not_at_login + foreground > 1:
        raise click.UsageError(t("give one of --foreground, --at-login and --not-at-login"))
    if not_at_login or for_user is not None:
        _at_login(for_user, wanted=at_login)
        return
    folders, configuration = lookup.load()
    if foreground or ready_fd is not None:
        _supervise(folders, configuration.log, ready_fd)
        return
    enabled = [each.server for each in configuration.synchronizations.values() if each.enabled]
    lookup.warn_untrusting([configuration.servers[name] for name in dict.fromkeys(enabled)])
    answer = told(folders, Ask(What.UP), seconds=None)
    if at_login:
        _at_login(None, wanted=True, running=answer is not None)
    if answer is None and told(folders, Ask(What.LOOK)) is None:  # systemd may have begun
        begin(folders)
    if answer is None:
        answer = ask(folders, Ask(What.UP), seconds=None)
    raise SystemExit(_tell(configuration, answer))


def _at_login(user: str | None, *, wanted: bool, running: bool = False) -> None:
    from syncin_mount.cli.commands import _systemd_unit as at_login  # noqa: PLC0415 (start-up time)

    if not wanted:
        at_login.take_away(user)
    elif user is not None:
        at_login.install_for(user)
    else:
        at_login.install(running=running)


def begin(folders: Folders) -> None:
    """Starts the supervisor in the background; returns when it answers. Raises CommandError."""
    from syncin_mount.app.messages import sentence  # noqa: PLC0415 (start-up time)
    from syncin_mount.app.processes.spawn import spawn_supervisor  # noqa: PLC0415

    refusal = spawn_supervisor(folders)
    if refusal is not None:
        raise CommandError(sentence(refusal.why), refusal.status)


def _tell(configuration: Configuration, answer: Answer) -> int:
    """One line a drive; the exit status."""
    worst = int(Exit.DONE)
    for each in sorted(answer.drives, key=lambda drive: drive.name):
        synchronization = configuration.synchronizations.get(each.name)
        if each.phase is Phase.UP and not each.why and synchronization is not None:
            output.say(
                t(
                    "{name} is mounted at {mountpoint}",
                    name=each.name,
                    mountpoint=synchronization.mountpoint,
                )
            )
        elif each.why:
            output.warn(f"{each.name}: {supervision(each)}")
            worst = each.status or int(Exit.UNFINISHED)
    if not answer.drives:
        output.say(
            t(
                "no synchronization is enabled yet; each is mounted as soon as it is added or"
                " enabled"
            )
        )
    if answer.trouble:
        output.warn(t("the configuration is not followed: {trouble}", trouble=answer.trouble))
        worst = int(Exit.UNFINISHED)
    return worst


def _supervise(folders: Folders, level: LogLevel, descriptor: int | None) -> None:
    """The supervisor itself; its first error's sentence goes to whoever waits at the pipe."""
    from syncin_mount.app.processes.spawn import ReadyPipe  # noqa: PLC0415
    from syncin_mount.autostart import NotifySocket  # noqa: PLC0415
    from syncin_mount.logs.files import log_to  # noqa: PLC0415 (start-up time)
    from syncin_mount.supervisor.supervisor import supervise  # noqa: PLC0415

    log_to(folders.log(NAME), level)
    pipe = None if descriptor is None else ReadyPipe(descriptor)
    serving: Callable[[], None] = (
        (lambda: output.say(t("supervising; Ctrl-C unmounts all and ends")))
        if pipe is None
        else pipe.ready
    )

    systemd = NotifySocket()

    async def run() -> None:
        await supervise(
            folders,
            on_serving=serving,
            on_ready=systemd.ready,
            on_ending=systemd.stopping,
            sync_seconds=systemd.patience,
        )

    try:
        output.run_async(run)
    except BaseException as error:
        if pipe is not None:
            pipe.refused(*spoken_exit(error))
        raise
