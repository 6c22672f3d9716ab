"""`version`: of the program and what belongs to it, and whether there is a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.support import versions
from syncin_mount.cli.exit_status import CommandError
from syncin_mount.cli.ui import output
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from syncin_mount.app.support.versions import About, Newest

_INSTALLED = {
    versions.Installed.DEBIAN: mark("from the package for Debian and Ubuntu"),
    versions.Installed.ARCHIVE: mark("from the archive with a Python of its own"),
    versions.Installed.REPOSITORY: mark("from the repository"),
    versions.Installed.WHEEL: mark("from a wheel"),
}


@click.command()
@click.option("--check", is_flag=True, help="Ask whether there is a newer version.")
@click.option(
    "--at", "url", metavar="URL", help="With --check: the address that tells the newest release."
)
@output.json_option
def command(check: bool, url: str | None, as_json: bool) -> None:
    """Show the version of the program, of its local copies, and of what it needs.

    The program never looks for updates by itself; only --check asks, once. It asks the URL, which
    may be a forge's newest release, a project of a Python index as JSON, or a file with a version.
    Without one, the package for Debian and Ubuntu asks apt's lists on this computer, and any other
    the address that its packager gave, if any. Nothing is installed.
    """
    if url is not None and not check:
        raise click.UsageError(t("--at goes with --check"))
    if check:
        found = _newest(url)
        output.emit_json(_newest_as_json(found)) if as_json else _tell(found)
    else:
        about = versions.look()
        output.emit_json(_as_json(about)) if as_json else _show(about)


def _show(about: About) -> None:
    formats = t("writes {number}, reads 1 to {number}", number=about.replica_format)
    output.emit_fields(
        [
            (mark("program"), about.program),
            (mark("format of local copies"), formats),
            ("python", about.python),
            ("fusermount3", about.fusermount or t("missing")),
            ("pyfuse3", about.pyfuse or t("missing")),
            (mark("installed"), f"{t(_INSTALLED[about.installed])}: {about.place}"),
        ]
    )


def _as_json(about: About) -> dict[str, object]:
    return {
        "version": about.program,
        "replica_format": about.replica_format,
        "python": about.python,
        "fusermount": about.fusermount,
        "pyfuse": about.pyfuse,
        "installed": about.installed.value,
        "place": str(about.place),
    }


def _newest(url: str | None) -> Newest:
    """Raises CommandError where nobody is known to ask."""
    found = versions.newest(url)
    if found is None:
        raise CommandError(
            t(
                "no address is known that tells of newer versions; look where you got this one, or"
                " name one: {command}",
                command=advice.command("version", "--check", "--at", "URL"),
            )
        )
    return found


def _tell(found: Newest) -> None:
    values = {"version": found.version, "source": found.source, "now": found.now}
    if found.newer:
        output.say(t("version {version} is there, by {source}; this is {now}", **values))
    else:
        output.say(t("{now} is the newest version, by {source}", **values))
    if found.source == "apt":
        output.say(t("apt's lists are as old as the last 'apt update'"))


def _newest_as_json(found: Newest) -> dict[str, object]:
    return {
        "version": found.now,
        "newest": found.version,
        "newer": found.newer,
        "source": found.source,
    }
