"""`doctor`: looks at everything that must be right, and says what to do about what is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.config import Folders
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.app.support.health import Finding
    from syncin_mount.app.support.support_report import Part

_WORDS = {"FINE": mark("ok"), "NOTE": mark("note"), "WRONG": mark("WRONG")}
"""By the name of `syncin_mount.app.support.health.State`."""


@click.command()
@click.option(
    "--collect",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write what a bug report needs to an archive: FILE, or one in this folder.",
)
@click.option(
    "--with-names",
    is_flag=True,
    help="With --collect: leave the names of files, users and servers in it.",
)
@output.json_option
def command(collect: str | None, with_names: bool, as_json: bool) -> None:
    """Check this computer, the configuration, the servers, the local copies and the mounts.

    Each line says what to do. Exit status 1 when something is wrong.

    With --collect, write versions, settings, logs, states, failures and what the checks say to a
    tar.gz archive. No content of files is in it, no password and no token, and names are replaced
    by x1, x2, … Look at it before you send it to anybody.
    """
    if with_names and collect is None:
        raise click.UsageError(t("--with-names goes with --collect"))
    if collect is not None:
        _collect(collect, with_names=with_names, as_json=as_json)
        return
    findings = _examined(lambda finding: None if as_json else output.say(_line(finding)))
    if as_json:
        output.emit_json(list(map(_as_json, findings)))
    is_wrong = any(finding.state.name == "WRONG" for finding in findings)
    raise SystemExit(Exit.UNFINISHED if is_wrong else Exit.DONE)


def _examined(show: Callable[[Finding], None]) -> list[Finding]:
    """All findings; each is shown as it is found."""
    from syncin_mount.app.support.health import examine  # noqa: PLC0415 (start-up time)

    async def run() -> list[Finding]:
        findings = []
        async for finding in examine(Folders.find()):
            show(finding)
            findings.append(finding)
        return findings

    found: list[Finding] = output.run_async(run)
    return found


def _line(finding: Finding) -> str:
    width = max(len(t(each)) for each in _WORDS.values())
    return f"{t(_WORDS[finding.state.name]):<{width}}  {sentence(finding)}"


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "verdict": finding.state.value,
        "what": sentence(finding),
        "check": finding.check.value,
        "about": finding.about or None,
        "remedy": None if finding.remedy is None else finding.remedy.value,
    }


def _collect(file: str, *, with_names: bool, as_json: bool) -> None:
    from syncin_mount.app.support.support_report import (  # noqa: PLC0415 (start-up time)
        default_path,
        write_report,
    )

    path = Path(file).absolute() if file else default_path()

    def said() -> list[str]:
        return list(map(_line, _examined(lambda _: None)))

    try:
        parts = write_report(path, Folders.find(), said, with_names=with_names)
    except FileExistsError:
        raise CommandError(
            t("there is a file {path} already; give another name", path=path)
        ) from None
    except OSError as error:
        raise CommandError(
            t(
                "the report cannot be written to {path} ({strerror}); give another place",
                path=path,
                strerror=error.strerror,
            ),
            Exit.UNFINISHED,
        ) from error
    if as_json:
        found = [{"name": part.name, "what": part.what} for part in parts]
        output.emit_json({"file": str(path), "names": with_names, "parts": found})
    else:
        _tell_report(path, parts, with_names=with_names)


def _tell_report(path: Path, parts: list[Part], *, with_names: bool) -> None:
    for part in parts:
        output.say(f"{part.name:<20}  {part.what}")
    output.say()
    output.say(t("The report is in {name}", name=output.printable(str(path))))
    if with_names:
        output.warn(t("names of your files, folders, users and servers are in it"))
    else:
        output.say(
            t(
                "Names of files, folders, users and servers are replaced, the same by the same;"
                " words that the program"
            )
        )
        output.say(t("uses itself may have stayed."))
    output.say(t("Look at it before you send it to anybody."))
