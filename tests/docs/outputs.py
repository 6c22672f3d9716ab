"""What the commands print with ``--json``, found by running them against an embedded server,
without a mount."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner

from syncin_mount.cli.command_group import group
from syncin_mount.config.folders import HOME_VARIABLE
from syncin_mount.control import messages

_PASSWORD = "a-password"
_LIMIT = 30.0
"""Seconds that the server gets to be there."""

_SHOWN = (
    "add docs --server home --remote personal/docs --mountpoint {drive} --import --dry-run",
    "list",
    "show docs",
    "status",
    "server list",
    "clients list",
    "remote ls personal --server home",
    "filter list docs",
    "filter test docs a.bak",
    "limit docs",
    "scheduler",
    "journal docs",
    "explain docs a.txt",
    "sync docs --dry-run",
    "transfers docs",
    "bin list docs",
    "conflicts docs",
    "check docs",
    "doctor",
)
_BEFORE = {
    "list": (
        "add docs --server home --remote personal/docs --mountpoint {drive} --import --yes",
        "filter add docs ends-with:.bak",
        "limit docs --up 2M",
    ),
    "transfers docs": ("sync docs",),
}
"""What is done before a command is shown."""

_CONFLICT_BEFORE = "explain docs a.txt"
"""Before this command somebody else makes a file on the server that is here, too."""

_STRUCTS = [
    each
    for each in vars(messages).values()
    if isinstance(each, type) and issubclass(each, msgspec.Struct)
]


@cache
def outputs() -> dict[str, Any]:
    """The document of each command, by the command as people write it."""
    with tempfile.TemporaryDirectory() as base, _server(Path(base)) as url:
        drive = Path(base, "drive")
        drive.mkdir()
        for name in ("a.txt", "b.txt"):
            (drive / name).write_text(name)
        environment = {HOME_VARIABLE: str(Path(base, "home"))}
        _run(environment, f"server add home {url} --login user1 --password-stdin", _PASSWORD)
        _run(environment, "remote mkdir personal/docs --server home")
        found = {}
        for command in _SHOWN:
            for before in _BEFORE.get(command, ()):
                _run(environment, before.format(drive=drive))
            if command == _CONFLICT_BEFORE:
                (Path(base) / "server/users/user1/files/docs/b.txt").write_text("theirs, longer")
            shown = re.sub(r" --server home --remote .* --mountpoint \S+", " …", command)
            found[f"syncin-mount {shown} --json"] = json.loads(
                _run(environment, f"{command.format(drive=drive)} --json")
            )
    return found


@contextmanager
def _server(base: Path) -> Iterator[str]:
    root, ready = base / "server", base / "ready"
    trash = root / "users" / "user1" / "trash" / "docs"
    trash.mkdir(parents=True)
    (trash / "old.txt").write_text("old")
    words = [
        "serve",
        "--root",
        str(root),
        "--user",
        f"user1:{_PASSWORD}",
        "--ready-file",
        str(ready),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "syncin_mount", *words], stdout=subprocess.DEVNULL
    ) as server:
        try:
            until = time.monotonic() + _LIMIT
            while not (ready.exists() and ready.read_text().endswith("\n")):
                if time.monotonic() > until or server.poll() is not None:
                    raise TimeoutError("the embedded server did not come up")
                time.sleep(0.02)  # the server writes the file in its own time
            yield ready.read_text().strip()
        finally:
            server.terminate()


def _run(environment: Mapping[str, str], command: str, text: str = "") -> str:
    done = CliRunner().invoke(group, command.split(), input=text, env=dict(environment))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


# --- in words -------------------------------------------------------------------------------------


def described(value: Any) -> list[str]:
    """A document's form, as lines of Markdown: a list's elements are described together."""
    if isinstance(value, list):
        objects = [each for each in value if isinstance(each, dict)]
        return (
            ["A list. Each element:", "", *_fields(objects)]
            if objects
            else ["A list of texts, which may be empty."]
        )
    return ["An object:", "", *_fields([value])]


def _fields(values: list[Any]) -> list[str]:
    known, keys = _struct(values)
    lines = [] if known is None else [f"- all keys of [{known}](control-api.md#{known.lower()})"]
    for key in keys:
        there = [value[key] for value in values if key in value]
        inner = [
            each for one in there if isinstance(one, list) for each in one if isinstance(each, dict)
        ]
        inner += [one for one in there if isinstance(one, dict)]
        lines.append(f"- `{key}`: {_types(there)}")
        lines += [f"  {line}" for line in (_fields(inner) if inner else [])]
    return lines


def _struct(values: list[Any]) -> tuple[str | None, list[str]]:
    """The message that all these objects are, with more keys perhaps; and the keys that it does not
    have."""
    keys = list(dict.fromkeys(key for value in values for key in value))
    fitting = [
        each
        for each in _STRUCTS
        if len(each.__struct_fields__) > 2 and {*each.__struct_fields__} <= {*keys}
    ]
    if not fitting:
        return None, keys
    best = max(fitting, key=lambda each: len(each.__struct_fields__))
    return best.__name__, [key for key in keys if key not in best.__struct_fields__]


def _types(values: list[Any]) -> str:
    return " or ".join(sorted({_type(value) for value in values}))


def _type(value: Any) -> str:
    if isinstance(value, list):
        return "list of objects" if any(isinstance(each, dict) for each in value) else "list"
    names: dict[type, str] = {
        bool: "true or false",
        int: "number",
        float: "number",
        str: "text",
        dict: "object",
    }
    return "null" if value is None else names[type(value)]
