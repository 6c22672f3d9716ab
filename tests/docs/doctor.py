"""What `doctor` can say, from the code: each check with its sentence, how bad it is, and what
helps."""

from __future__ import annotations

import ast
import enum
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from syncin_mount.app.messages import health as messages
from syncin_mount.app.support import health
from syncin_mount.app.support.health import Check, Finding, Remedy, State
from syncin_mount.language import t
from tests.docs.wrapping import wrapped

LOOKS = Path(health.__file__).parent
"""Where the checks are made."""

MAKERS = {"_fine": {State.FINE}, "_note": {State.NOTE}, "_wrong": {State.WRONG}}
"""Functions that make a finding of one state."""

WORDS = {State.WRONG: "WRONG", State.NOTE: "note", State.FINE: "ok"}
TITLES = {State.WRONG: "Something is wrong", State.NOTE: "Notes", State.FINE: "In order"}

SHOWN = {"about": "NAME", "error": "REASON", "why": "REASON", "servers": "N servers"} | {
    "synchronizations": "N synchronizations",
    "common": "N",
    "waiting": "N",
    "warning": "",
}
"""What stands for a value; other values have their own name in capitals."""

MORE = {
    Check.FUSERMOUNT: "Where the program lies that mounts for ordinary users.",
    Check.FOLDERS_UNUSABLE: (
        "The folder of the settings or of the local copies, or one in it, cannot be used: it cannot"
        " be written, others may write to it, it is not yours, or it is no folder. The sentence"
        " names it and the reason; give it back to yourself (`chown`, `chmod u+w`, `chmod go-w`)."
    ),
    Check.DESKTOP_UNWRITABLE: (
        "Drives work all the same. `desktop install`, `completion install`, `up --at-login` and the"
        " sidebar's bookmarks need the folder; `XDG_CONFIG_HOME` and `XDG_DATA_HOME` name others."
    ),
    Check.CONFIGURATION_WRONG: (
        "The sentence names the file, and what is wrong in it: see"
        " [Configuration](../reference/config.md)."
    ),
    Check.SERVER_REFUSES: (
        "A note when it passes by itself: the server is away or busy. When it is **WRONG**, the"
        " sentence has the server's reason and what to do: see"
        " [Logging in again](accounts.md#logging-in-again)."
    ),
    Check.SERVER: (
        "It is a note, with a warning in brackets, where the connection is not encrypted or the"
        " certificate is not verified: see"
        " [How a server is reached](accounts.md#how-a-server-is-reached)."
    ),
    Check.SETTINGS_WRONG: (
        "A filter that another program stored on the server cannot be followed. `syncin-mount"
        " filter list NAME` shows the filters; see [Filters](filters.md)."
    ),
    Check.COPY_IN_USE: "Another command works on the local copy. Wait until it has ended.",
    Check.COPY_WRONG: (
        "The local copy is damaged, of a newer version of the program, or cannot be read. See"
        " [The local copy is damaged](troubleshooting.md#the-local-copy-is-damaged)."
    ),
    Check.TRASH_UNUSABLE: (
        "What loses a conflict goes to the drive's own bin meanwhile: see"
        " [Desktop or own bin](bins.md#desktop-or-own-bin)."
    ),
    Check.MOUNTPOINT_NOT_EMPTY: "See [Import and export](import.md).",
    Check.DAEMON_SILENT: (
        "Its process is killed, as a power cut would end it. Nothing is lost that was saved;"
        " programs that wait for the drive get an error."
    ),
    Check.DRIVE_CRASHED: "Nothing is lost: what was saved is in the local copy.",
    Check.STRAY_ALIVE: (
        "It was mounted with other settings (`SYNCIN_MOUNT_HOME`); unmount it with those."
    ),
    Check.COPY_MISSING: "Nothing to do.",
}
"""What the sentence itself does not tell. A new check needs none, unless its sentence is made
of values alone."""


_COMMAND = re.compile(r"'?\b((?:syncin-mount|fusermount3|modprobe) [^();']*)'?")


def made() -> dict[Check, dict[State, set[Remedy]]]:
    """Return for each check the states in which the code makes it, each with its remedies."""
    found: dict[Check, dict[State, set[Remedy]]] = {check: {} for check in Check}
    for module in sorted(LOOKS.rglob("*.py")):
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            maker = call.func.id if isinstance(call.func, ast.Name) else ""
            for check in _members(call.args[0], Check):
                states = set(_members(call, State))
                for state in states or MAKERS.get(maker, {State.NOTE, State.WRONG}):
                    found[check].setdefault(state, set()).update(_members(call, Remedy))
    return found


_Kind = TypeVar("_Kind", bound=enum.Enum)


def _members(tree: ast.AST, kind: type[_Kind]) -> list[_Kind]:
    """Return the members of the enumeration that the code names."""
    return [
        kind[node.attr]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == kind.__name__
    ]


def placeholders(check: Check) -> set[str]:
    """Return the names of the values in the check's sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(messages._FOUND[check]) if name}


def has_words(check: Check) -> bool:
    """Whether the sentence says something without its values."""
    return any(
        any(map(str.isalpha, text)) for text, *_ in string.Formatter().parse(messages._FOUND[check])
    )


def message(check: Check) -> str:
    """Return the sentence, with words in capitals for its values."""
    values = {name: SHOWN.get(name, name.upper()) for name in placeholders(check)}
    return t(messages._FOUND[check], **values)


def page() -> str:
    """Return every message, the worst first; one that may be a note or wrong is among these."""
    worst: dict[State, list[Check]] = {state: [] for state in TITLES}
    found = made()
    for check in Check:
        worst[next(state for state in TITLES if state in found[check])].append(check)
    parts = []
    for state, checks in worst.items():
        parts.append(f"## {TITLES[state]}")
        if state is State.FINE:
            parts.append("\n".join(map(_in_order, checks)))
        else:
            parts += [part for check in checks for part in _entry(check, found[check])]
    return "\n\n".join(parts)


def _entry(check: Check, states: dict[State, set[Remedy]]) -> Iterator[str]:
    said = message(check)
    yield f"### {check.value.replace('_', ' ').capitalize()}"
    words = [word for state, word in WORDS.items() if state in states]
    yield "\n".join(["```text", *(f"{word:<5}  {said}" for word in words), "```"])
    values = {name: name.upper() for name in placeholders(check)}
    helps = [
        messages._help(Finding(check, State.WRONG, "NAME", values, remedy), remedy)
        for remedy in sorted(set().union(*states.values()), key=lambda each: each.value)
    ]
    if helps:
        told = _COMMAND.sub(r"`\1`", "; or ".join(helps))
        yield wrapped(f"*What helps:* {told}.")
    if check in MORE:
        yield wrapped(MORE[check])


def _in_order(check: Check) -> str:
    more = f": {MORE[check]}" if check in MORE else ""
    return wrapped(f"`ok {message(check)}`{more}", "- ", "  ")
