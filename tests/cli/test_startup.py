"""The command line itself: quick to start, complete in its help, tidy in its end."""

from __future__ import annotations

import resource
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from reconciler import errors
from syncin_mount.cli.command_group import COMMANDS, group
from syncin_mount.cli.exit_status import CommandError, Exit, exit_for

_HEAVY = (
    "trio",
    "httpx",
    "lmdb",
    "hypercorn",
    "rich",
    "tomlkit",
    "keyring",
    "msgspec",
    "platformdirs",
    "pyfuse3",
)


def test_help_needs_nothing_heavy():
    program = f"""
import sys
from syncin_mount.cli.command_group import group
group.main(["--help"], standalone_mode=False)
heavy = [name for name in {_HEAVY!r} if name in sys.modules]
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


def test_the_status_of_running_drives_needs_no_event_loop():
    program = """
import sys
import syncin_mount.app.runs.status_poller, syncin_mount.cli.commands.status
import syncin_mount.cli.ui.status_display
heavy = [name for name in ("trio", "httpx", "rich", "lmdb", "sqlite3") if name in sys.modules]
sys.exit(f"imported: {heavy}" if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module", ["control.client", "daemon.process", "supervisor.supervisor", "web.server"]
)
def test_what_runs_without_a_terminal_loads_nothing_for_one(module):
    program = f"""
import importlib, sys
importlib.import_module("syncin_mount.{module}")
drawing = [name for name in ("rich", "pygments", "click") if name in sys.modules]
sys.exit(f"imported: {{drawing}}" if drawing else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_help_is_quick():
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def seconds() -> float:
        """Processor time: what others do meanwhile is none of it."""
        before = spent()
        subprocess.run(
            [sys.executable, "-m", "syncin_mount", "--help"],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return spent() - before

    seconds()
    assert min(seconds() for _ in range(5)) < 0.3


def _all(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += _all(below, (*path, name))
    return found


@pytest.mark.parametrize("path", _all(group), ids=" ".join)
def test_every_command_explains_itself(path):
    done = CliRunner().invoke(group, [*path, "--help"])
    assert done.exit_code == 0
    assert "Usage: " in done.output


def test_the_group_knows_its_commands_first_lines():
    for name, lazy in COMMANDS.items():
        command = lazy.load()
        assert command.help, name


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandError("x"), 1),
        (CommandError("x", Exit.USAGE), 2),
        (click.UsageError("x"), 2),
        (errors.Unreachable("x"), 3),
        (errors.ServerFault("x"), 3),
        (errors.Unauthorized("x"), 5),
        (errors.Forbidden("x"), 5),
        (errors.Refused("x"), 5),
        (errors.QuotaReached("x"), 5),
        (ExceptionGroup("", [ExceptionGroup("", [errors.Unreachable("x")])]), 3),
        (ExceptionGroup("", [ValueError("other"), errors.Refused("x")]), 5),
    ],
)
def test_errors_become_statuses_and_sentences(error, status):
    assert exit_for(error) == (status, "x")


def test_an_interruption_is_quiet():
    assert exit_for(KeyboardInterrupt()) == (Exit.INTERRUPTED, "")
    assert exit_for(BaseExceptionGroup("", [KeyboardInterrupt()])) == (Exit.INTERRUPTED, "")


def test_a_bug_is_said_to_be_one():
    status, sentence = exit_for(ZeroDivisionError("by zero"))
    assert status == 1
    assert (
        sentence
        == "this is an error of the program (ZeroDivisionError: by zero); --debug shows where"
    )


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m syncin_mount --help | head -1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr == ""
    assert done.stdout.startswith("Usage: ")


def test_debug_shows_the_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv("SYNCIN_MOUNT_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text("[")
    for words, traceback in ((["list"], False), (["list", "--debug"], True)):
        done = subprocess.run(
            [sys.executable, "-m", "syncin_mount", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert ("Traceback" in done.stderr) is traceback
        assert done.returncode != 0
