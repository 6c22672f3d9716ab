"""``./dev docs --picture``: makes docs/in-use.svg, the picture in the README, from a real
session."""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.tour.script import DOCS, HOME, shell

_SERVER = (
    "syncin-mount serve --root server --port 8001 --user user1:secret > log &"
    " until grep -q http log; do sleep 0.1; done"
)
_FILES = (
    "mkdir Letters Photos Project; echo Plan > Project/plan.md; echo 'Dear aunt' > Letters/aunt.txt"
)
STEPS = (
    ("", "mkdir server"),
    ("", _SERVER),
    (
        "",
        (
            "syncin-mount server add home http://127.0.0.1:8001 --login user1 --password-stdin <<<"
            " secret"
        ),
    ),
    ("", "syncin-mount remote mkdir personal/Documents --server home"),
    (
        "",
        (
            f"cd server/users/user1/files/Documents && {_FILES}; head -c 300000 /dev/zero >"
            " Photos/harbour.jpg; cd"
        ),
    ),
    (
        "",
        "syncin-mount add docs --server home --remote personal/Documents --mountpoint ~/Documents",
    ),
    ("$", "syncin-mount mount docs"),
    ("", "syncin-mount sync docs"),
    ("$", "ls Documents"),
    ("# the server is gone", "kill %1; wait; rm log"),
    ("$", "echo 'Step 1' >> Documents/Project/plan.md; mv Documents/Photos Documents/Pictures"),
    ("", "syncin-mount sync docs"),
    ("$", "syncin-mount journal docs"),
    ("# the server is back", _SERVER),
    ("$", "syncin-mount sync --wait docs"),
    ("$", "syncin-mount transfers docs --side remote"),
    ("$", "syncin-mount status"),
)
"""What is shown, and what is done: ``$`` shows the command and what it says, text stands for it,
nothing hides it."""

WIDTH = 100


def main() -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as home, shell(Path(home)) as bash:
        for shown, command in STEPS:
            said = bash.run(command)
            if shown == "$":
                console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
                for line in said:
                    console.print(Text(line.replace(HOME, "~")), no_wrap=True, overflow="ellipsis")
            elif shown:
                console.print(Text(f"\n{shown}", style="italic bright_black"))
    svg = console.export_svg(title="syncin-mount")
    svg = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)  # nothing is fetched to show it
    svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    svg = re.sub(r"<!--.*?-->", "", svg)
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    (DOCS / "in-use.svg").write_text(svg, encoding="utf-8")
