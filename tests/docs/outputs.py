"""What the commands print with ``--json``, found by running them against an embedded server,
without a mount."""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from syncin_mount.cli.command_group import group
from syncin_mount.cli.ui.json_form import KEYS, Key
from syncin_mount.config.folders import HOME_VARIABLE

_PASSWORD = "a-password"
_LIMIT = 30.0
"""Seconds that the server gets to be there."""

_SHOWN = (
    "add docs --server home --remote personal/docs --mountpoint {drive} --import --dry-run",
    "list",
    "show docs",
    "status",
    "status {drive}/a.txt",
    "server list",
    "clients list",
    "remote ls personal --server home",
    "filter list docs",
    "filter test docs a.bak",
    "filter try docs ends-with:.txt",
    "limit docs",
    "scheduler",
    "settings",
    "journal docs",
    "explain docs a.txt",
    "sync docs --dry-run",
    "transfers docs",
    "bin list docs",
    "conflicts docs",
    "conflicts docs --compare b.txt",
    "check docs",
    "check docs --repair",
    "doctor",
    "logs docs",
    "version",
    "version --check --at {releases}",
)
_BY_LINE = ("logs",)
"""Commands that print a document a line."""

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


@cache
def outputs() -> dict[str, Any]:
    """The document of each command, by the command as people write it."""
    with (
        tempfile.TemporaryDirectory() as base,
        _server(Path(base)) as url,
        _releases() as releases,
    ):
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
            told = _run(environment, f"{command.format(drive=drive, releases=releases)} --json")
            found[_as_written(command)] = (
                json.loads(told)
                if not command.startswith(_BY_LINE)
                else [json.loads(line) for line in told.splitlines()]
            )
    return found


def _as_written(command: str) -> str:
    shown = re.sub(r" --server home --remote .* --mountpoint \S+", " …", command)
    shown = shown.replace("{drive}", "~/Sync-in").replace("{releases}", "URL")
    return f"syncin-mount {shown} --json"


COMMANDS = [_as_written(command) for command in _SHOWN]
"""The commands of `outputs`, which need not run for that."""


@contextmanager
def _server(base: Path) -> Iterator[str]:
    root = base / "server"
    trash = root / "users" / "user1" / "trash" / "docs"
    trash.mkdir(parents=True)
    (trash / "old.txt").write_text("old")
    words = ["serve", "--root", str(root), "--user", f"user1:{_PASSWORD}"]
    with subprocess.Popen(
        [sys.executable, "-m", "syncin_mount", *words], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            # it prints where it is as soon as it listens
            readable, _, _ = select.select([server.stdout], [], [], _LIMIT)
            url = server.stdout.readline().strip() if readable else ""
            if not url:
                raise TimeoutError("the embedded server did not come up")
            yield url
        finally:
            server.terminate()


@contextmanager
def _releases() -> Iterator[str]:
    """The address of a server that tells of a release."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"tag_name": "v99.1.0"}')

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/latest"
        server.shutdown()


def _run(environment: Mapping[str, str], command: str, text: str = "") -> str:
    done = CliRunner().invoke(group, command.split(), input=text, env=dict(environment))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


# --- in words -------------------------------------------------------------------------------------


def described(value: Any) -> list[str]:
    """A document's form, as lines of Markdown: a list's elements are described together."""
    if isinstance(value, list):
        return ["A list. Each element:", "", *_fields(value)]
    return ["An object:", "", *_fields([value])]


def _fields(values: list[Any]) -> list[str]:
    lines = []
    for key in dict.fromkeys(key for value in values for key in value):
        there = [value[key] for value in values if key in value]
        inner = [one for each in there for one in _objects(each)]
        of = " of objects" if inner and any(isinstance(each, list) for each in there) else ""
        kind = KEYS[key].type if key in KEYS else "?"
        lines.append(f"- `{key}`: {kind}{of}")
        lines += [f"  {line}" for line in (_fields(inner) if inner else [])]
    return lines


def _objects(value: Any) -> list[dict[str, Any]]:
    each = value if isinstance(value, list) else [value]
    return [one for one in each if isinstance(one, dict)]


def objections(value: Any, known: Mapping[str, Key] = KEYS) -> list[str]:
    """What is not as `KEYS` says, in a document: a key that it does not have, a value of another
    type, a time that is not RFC 3339 with an offset. null may stand for any value."""
    if isinstance(value, list):
        return [wrong for each in value for wrong in objections(each, known)]
    if not isinstance(value, dict):
        return []
    found = []
    for key, each in value.items():
        if key not in known:
            found.append(f"'{key}' is not described")
        elif each is not None and not _fits(known[key].type, each):
            found.append(f"'{key}' is no {known[key].type}: {each!r}")
        found += objections(each, known)
    return found


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")


def _fits(type_: str, value: Any) -> bool:
    if type_ == "time":
        return isinstance(value, str) and _RFC3339.fullmatch(value) is not None
    if type_ == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    python: dict[str, type] = {"text": str, "true or false": bool, "list": list, "object": dict}
    return isinstance(value, python[type_])


def keys_of(value: Any) -> set[str]:
    """All keys in a document, at any depth."""
    if isinstance(value, list):
        return {key for each in value for key in keys_of(each)}
    if isinstance(value, dict):
        return {*value} | {key for each in value.values() for key in keys_of(each)}
    return set()
