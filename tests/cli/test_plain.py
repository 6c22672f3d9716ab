"""Nothing that others named or said steers a terminal, whichever way it gets there."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

import syncin_mount.cli
from syncin_mount.devserver import Reply, Rule
from syncin_mount.printable import printable, printable_lines
from tests.cli.conftest import World
from tests.cli.terminals import terminal

CONTROLS = [chr(each) for each in (*range(0x20), *range(0x7F, 0xA0)) if chr(each) not in "\n\t"]
UNSEEN = "\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
UNSEEN += "\u2060\u2066\u2067\u2068"
STEERING = [*CONTROLS, *UNSEEN, "\u2069", "\ufeff", "\U000e0001", "\U000e0041"]
"""C0 and C1 controls, what turns text or is not seen, other ends of lines, tags."""

SAID = "\\u001b]0;owned\\u0007\\u001b[2J\\u202eabc"
"""In JSON: the window's title, a cleared screen, text turned around."""


@pytest.mark.parametrize("each", STEERING, ids=ascii)
def test_what_steers_is_an_escape(each: str):
    assert (
        printable(f"a{each}b")
        == printable_lines(f"a{each}b")
        == f"a{each.encode('unicode_escape').decode()}b"
    )


def test_a_line_is_one_line():
    assert printable("a\nb\tc") == "a\\nb\\tc"
    assert printable_lines("a\nb\tc") == "a\nb\tc"


ALL = """
import logging, sys, warnings
from syncin_mount.cli.ui import output
import click
output.guard_streams()
bad = sys.argv[1]
output.say(bad); output.warn(bad); output.say_lines(bad)
output.emit_table((bad, "b"), [(bad, bad)], empty="")
output.emit_fields([(bad, bad)])
output.emit_json({bad: bad}); output.json_line([bad])
output.console().print(bad, markup=False); output.console(err=True).print(bad, style="bold red", markup=False)
from rich.table import Table
table = Table(title=bad); table.add_column(bad); table.add_row(bad); output.console().print(table)
print(bad); print(bad, file=sys.stderr); click.echo(bad); sys.stdout.writelines([bad])
logging.getLogger("x").warning(bad)
warnings.warn(bad)
from syncin_mount.cli.ui.progress_bars import ProgressView
with ProgressView([bad, "other"]) as view:
    pass
raise SystemExit(bad) if len(sys.argv) > 2 else RuntimeError(bad)
"""


@pytest.mark.parametrize("more", [[], ["exit"]], ids=["error", "exit"])
def test_every_way_to_print(more: list[str]):
    bad = "".join(each for each in STEERING if each != "\0")
    for encoding in ("utf-8", "ascii"):
        env = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(
            [sys.executable, "-c", ALL, bad, *more], env=env, capture_output=True, check=False
        )
        text = (done.stdout + done.stderr).decode()
        assert "\\x1b" in text
        assert [each for each in STEERING if each in text] == []


def test_every_way_to_print_on_a_terminal():
    bad = "x\x1b]0;owned\x07\x9d0;owned\u202e\u200b"
    child = pexpect.spawn(sys.executable, ["-c", ALL, bad], encoding="utf-8", timeout=60)
    shown = child.read()
    child.close()
    assert child.exitstatus == 1
    assert "x\\x1b]0;owned" in shown
    assert not {"\x9d", "\u202e", "\u200b", "\x07"} & set(shown)
    assert "\x1b]" not in shown


def test_no_command_prints_past_it():
    """By the program's text: what prints by itself, or asks, is in `output` alone."""
    forbidden = {
        ("click", name)
        for name in ("echo", "prompt", "confirm", "secho", "echo_via_pager", "pause")
    }
    found = []
    for path in sorted(Path(syncin_mount.cli.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            call = node.func if isinstance(node, ast.Call) else None
            owner = call.value if isinstance(call, ast.Attribute) else None
            alone = isinstance(call, ast.Name) and call.id in {"print", "input", "Console"}
            of_click = isinstance(call, ast.Attribute) and isinstance(owner, ast.Name)
            if alone or (of_click and (owner.id, call.attr) in forbidden):  # type: ignore[union-attr]
                found.append(path.name)
    # The help and the manual are the program's own text.
    assert set(found) == {
        "output.py",
        "command_group.py",
        "man_page.py",
    }, "see syncin_mount.cli.ui.output"


def assert_plain(text: str) -> None:
    assert [each for each in STEERING if each in text] == []


async def test_what_a_server_says_reaches_no_terminal_as_it_is(world: World):
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    world.dev.faults.add(Rule(Reply(403, f'{{"statusCode":403,"message":"{SAID}"}}'), path="*"))
    for words in (
        ("sync", "docs"),
        ("remote", "ls"),
        ("doctor",),
        ("status", "docs"),
        ("logs", "docs"),
    ):
        done = await world.run(*words)
        assert_plain(done.out + done.error)
    with terminal(world, "sync", "docs") as seen:
        await seen.end()
    assert "\x1b]" not in seen.seen
    assert "\u202e" not in seen.seen
    assert_plain((world.home / "state/logs/docs.log").read_text())
    world.dev.faults.clear()


async def test_a_folder_that_was_renamed_to_something_that_steers(world: World):
    """What the configuration can hold is followed, and shown as an escape; what it cannot, is
    refused."""
    await world.log_in()
    await world.add()
    await world.must("sync", "docs")
    [path] = world.dev.store.state.paths
    for name in ("abc\u202edef\u200b", "abc\x1b[31m"):
        (world.dev.files_of("user1") / name).mkdir()
        path.settings["remotePath"] = f"personal/{name}"
        for words in (
            ("sync", "docs"),
            ("list",),
            ("show", "docs"),
            ("status", "docs"),
            ("logs", "docs"),
        ):
            done = await world.run(*words)
            assert_plain(done.out + done.error)
        assert_plain((world.home / "state/logs/docs.log").read_text())
