"""Whatever a person reads is marked, so that it is in the catalogues."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language.extraction import ROOT
from tests.language.unmarked import code, unmarked

MARKED_WHOLLY = (
    "syncin_mount/app",
    "syncin_mount/tray/view.py",
    "syncin_mount/tray/menu.py",
    "syncin_mount/cli",
    "reconciler",
    "syncin_mount/config",
    "syncin_mount/control",
    "syncin_mount/daemon",
    "syncin_mount/errors.py",
    "syncin_mount/mount_table.py",
    "syncin_mount/remote",
    "syncin_mount/store/maintenance",
    "syncin_mount/store/recovery",
    "syncin_mount/supervisor",
    "syncin_mount/trash",
    "syncin_mount/web",
    "platform/linux/syncin_fuse/mountpoint.py",
    "platform/linux/syncin_fuse/session.py",
)
"""Where whatever has the form of a sentence or a label is one, and has to be marked."""

APART = {
    "syncin_mount/config/schema.py": "the reference of settings, which is English",
    "syncin_mount/remote/refusals/answers.py": (
        "what a server says, which is looked for; that a sentence is a Phrase, its type says"
    ),
    "syncin_mount/web/asgi.py": "what programs are told that are not the page",
    "syncin_mount/web/guard.py": "the same",
    "syncin_mount/web/files.py": "JavaScript",
    "syncin_mount/app/settings/places.py": "XML",
    "syncin_mount/app/support/metrics.py": "what Prometheus is told of each figure, in English",
    "syncin_mount/app/support/support_report.py": "the report for who mends the program",
    "syncin_mount/cli/man_page.py": "the manual page, which is English",
    "syncin_mount/cli/ui/json_form.py": "the reference of JSON, which is English",
    "syncin_mount/cli/demo/self_check.py": "what a check of the program tells who works on it",
    "syncin_mount/cli/demo/tree_compare.py": "the same",
    "syncin_mount/cli/commands/completion.py": "scripts of shells",
    "syncin_mount/cli/command_group.py": "help, which has a catalogue of its own",
}
"""Files in which nothing has to be; why."""

NOT_FOR_READERS = {
    "a sync failed\n": "a mark on the disk",
    "Value": "a type",
    "# The servers and synchronizations of syncin-mount. This file may be edited: comments and"
    " order are\n# kept.\n": "the file of the configuration",
    "Cc": "a class of characters",
    "Cs": "the same",
    "the greeting": "a word of the program: `_NAMES` has it for people",
    "the login": "a word of the program: `_NAMES` has it for people",
    "the renewal of access": "a word of the program: `_NAMES` has it for people",
    "the settings of the synchronization": "a word of the program: `_NAMES` has it for people",
    "the listing": "a word of the program: `_NAMES` has it for people",
    "the download": "a word of the program: `_NAMES` has it for people",
    "the upload": "a word of the program: `_NAMES` has it for people",
    "the new folder": "a word of the program: `_NAMES` has it for people",
    "the move": "a word of the program: `_NAMES` has it for people",
    "the change of the modification time": "a word of the program: `_NAMES` has it for people",
    "the deletion": "a word of the program: `_NAMES` has it for people",
    "the look into the folder": "a word of the program: `_NAMES` has it for people",
    "URL too long": "httpx's own words, which are looked for",
    "not wanted any more": "an error of httpcore, in the log",
    "the server answered before it had the whole request": "the same",
    "next to nothing came": "the same",
    "Bearer ": "HTTP",
    "Range": "HTTP",
    "Forbidden characters": "the server's words, which are looked for",
    "there is no token for it here": "stands for the server's words",
    "Trash": "a folder",
    "Changes are sent to the server": "what systemd shows, for the whole system",
    "Inhibit": "D-Bus",
    "the mount point ": "a beginning that is taken away",
    "Any": "a type",
    "Entry | None": "a type",
    "Name": "a key of a desktop entry",
    "Comment": "a key of a desktop entry",
    " desktop run ": "a command",
    "logged in": "a word of the program",
    "was set here": "a log",
    "the server's page says": "a log",
    "bin restore": "a command",
    "journal release": "a command",
    "Hms": "a skeleton of times",
    "Hm": "a skeleton of times",
    "bold red": "a style",
    "Documents": "a folder of the demo",
    'print("hello from the drive")\n': "a file of the demo",
    "This file came from the server. Change it: the server has the new version two seconds"
    " later.\n": "a file of the demo",
    "# Ideas\n\n- Kill the server and go on working\n- Start it again and watch `status`\n": (
        "a file of the demo"
    ),
    "import syncin_mount": "Python",
    "'(.*?)' is not one of": "click's own words, which are looked for",
    "this computer": "a name for conflict copies, where nobody gives another",
    "the synchronized folder": "the same for a log",
    " on side ": "an error of the program",
    "scheduled run": "a word of the program",
    "left out": "a word of the program",
    "no space": "a word of the program",
    "nothing of ours lies there": "a word of the program",
    "it is as it was found, from now on": "a word of the program",
    "it may still be taken up": "a word of the program",
    "nobody takes it up": "a word of the program",
    " in all": "a log",
    "in all": "a kind of line, which is compared",
    " of them before": "a log",
}
"""What looks like a text and is none; why."""


@pytest.mark.parametrize(
    "path", code(MARKED_WHOLLY), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_nothing_is_said_that_is_not_marked(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() in APART:
        return
    found = unmarked(path.read_text(encoding="utf-8"))
    assert [each for each in found if each[1] not in NOT_FOR_READERS] == []


def test_no_exception_is_kept_that_nothing_needs() -> None:
    said = set()
    for path in code(MARKED_WHOLLY):
        if path.relative_to(ROOT).as_posix() not in APART:
            said |= {text for _, text in unmarked(path.read_text(encoding="utf-8"))}
    assert NOT_FOR_READERS.keys() - said == set()
    assert [each for each in APART if not (ROOT / each).exists()] == []


@pytest.mark.parametrize(
    "source",
    [
        'return f"{a} is away"',
        'return "it is paused"',
        'A = {1: "Paused"}',
        'x(t("a"), "ab cd")',
        'output.say(f"{name}: paused")',
        'raise CommandError("gone")',
    ],
)
def test_what_is_not_marked_is_found(source: str) -> None:
    assert [*unmarked(f"def f():\n    {source}")]


@pytest.mark.parametrize(
    "source",
    [
        'return t("{a} is away", a="x")',
        '"""A docstring."""',
        'A = {1: mark("Paused")}',
        'x("b-c")',
        'output.say(f"{name}: {why}")',
        'log.warning("%s is away", a)',
        'click.option("--a", help="Do not ask.")',
    ],
)
def test_what_is_marked_or_no_text_is_left_alone(source: str) -> None:
    assert not [*unmarked(f"def f():\n    {source}")]
