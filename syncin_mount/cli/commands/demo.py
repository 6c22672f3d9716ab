"""`demo`: everything at once, to try it out."""

from __future__ import annotations

import shlex
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.cli.ui import output
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from syncin_mount.cli.demo.sandbox import Sandbox

_SAMPLE = {
    "Welcome.txt": (
        "This file came from the server. Change it: the server has the new version two seconds"
        " later.\n"
    ),
    "Notes/Ideas.md": (
        "# Ideas\n\n- Kill the server and go on working\n- Start it again and watch `status`\n"
    ),
    "Notes/2026/January.md": "# January\n",
    "Projects/hello.py": 'print("hello from the drive")\n',
}


@click.command()
@click.option(
    "--dir", "folder", metavar="DIR", help="Where everything lies; an empty folder, which stays."
)
@click.option(
    "--self-check",
    is_flag=True,
    help="Run the demo without a user, and check it; exit status 0 on success.",
)
def command(folder: str | None, self_check: bool) -> None:
    """Try it out: a server of its own, a sample folder and a mounted drive. Ctrl-C ends it and
    cleans up."""
    from syncin_mount.cli.demo.sandbox import Sandbox  # noqa: PLC0415 (start-up time)

    base = None if folder is None else Path(folder).expanduser()
    # However it is ended, the drive must not stay behind.
    for number in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, number):
            signal.signal(getattr(signal, number), signal.default_int_handler)
    with Sandbox(base) as sandbox:
        if self_check:
            from syncin_mount.cli.demo.self_check import tell  # noqa: PLC0415 (start-up time)

            tell(sandbox)
            return
        _set_up(sandbox)
        _explain(sandbox)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            output.say()
            output.say(
                t("ending: the drive is unmounted, the server stopped")
                if base
                else t("ending: the drive is unmounted, the server stopped, everything removed")
            )


def _set_up(sandbox: Sandbox) -> None:
    sample = sandbox.server_files / "Documents"
    for name, text in _SAMPLE.items():
        path = sample / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sandbox.start_server(sandbox.base / "requests.jsonl")
    sandbox.log_in("home", "demo")
    drive = sandbox.base / "drive"
    sandbox.must(
        "home",
        "add",
        "docs",
        "--server",
        "demo",
        "--remote",
        "personal/Documents",
        "--mountpoint",
        str(drive),
    )
    sandbox.mount("home", "docs")


_STORY = mark(
    """The drive:              {drive}
The server's own disk:  {disk}
The server:             {server}, process {process}

Try in another terminal:
  cd {base}
  export {home}
  echo hello > drive/new.txt; sleep 4; cat {files}/new.txt
  syncin-mount status docs         its state
  {kill}        the server is gone: go on working in the drive
  syncin-mount journal docs        what is pending
  {serve}
                                   the server is back: the drive follows by itself
  syncin-mount transfers docs      what was transferred

Ctrl-C ends the demo and cleans up."""
)


def _explain(sandbox: Sandbox) -> None:
    base, files = sandbox.base, sandbox.server_files.relative_to(sandbox.base)
    root = sandbox.server_root.relative_to(base)
    serve = advice.command("serve", "--root", root, "--port", sandbox.port)
    output.say_lines(
        t(
            _STORY,
            drive=f"{base}/drive",
            disk=f"{sandbox.server_files}/Documents",
            server=sandbox.url,
            process=sandbox.server_pid,
            base=shlex.quote(str(base)),
            home=f"{HOME_VARIABLE}=$PWD/home{_on_path()}",
            files=f"{files}/Documents",
            kill=f"kill {sandbox.server_pid:<20}",
            serve=serve,
        )
    )


def _on_path() -> str:
    """What makes the commands work as they are printed, when the program is not where the shell
    looks."""
    if shutil.which("syncin-mount") is not None:
        return ""
    return f" PATH={shlex.quote(str(Path(sys.argv[0]).absolute().parent))}:$PATH"
