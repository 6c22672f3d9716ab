"""What the menu offers for what is selected. Pure."""

from __future__ import annotations

from typing import NamedTuple

from .words import mark


class Item(NamedTuple):
    """``act`` is the word of the command that is started. ``label`` and ``tip`` are English."""

    act: str
    label: str
    tip: str


SERVER = Item("server", mark("Open on the Server"), mark("Shows the folder in the browser."))
WHY = Item("explain", mark("Why Is It Waiting?"), mark("Opens the page at this file."))
EXPLAIN = Item("explain", mark("Explain Its State"), mark("Opens the page at this file."))
SYNC = Item("sync", mark("Sync Now"), mark("Starts a run of the whole drive."))
HOLD = Item(
    "hold", mark("Hold"), mark("Keeps the change from being uploaded until you release it.")
)
RELEASE = Item("release", mark("Release"), mark("Lets a held change be uploaded."))
COMPARE = Item("compare", mark("Compare Both Versions"), mark("Opens the page at the conflict."))
TRASH = Item("trash", mark("Versions in the Trash"), mark("Opens the page at the trash."))

HEAD = "Sync-in"
"""What the menu is called: a name, which is not translated."""

PURPOSE = mark("Your Sync-in folders as drives that work offline")
"""What the desktop's menu says of the program."""

_UNSETTLED = {"waiting", "held", "syncing", "problem", "absent"}


def items(states: list[str | None]) -> list[Item]:
    """For files of one drive in these states (None: not known)."""
    if not states:
        return []
    if all(state == "local" for state in states):
        return [TRASH] if len(states) == 1 else []
    found = []
    if len(states) == 1:
        [state] = states
        found.append(SERVER)
        if state == "conflict":
            found.append(COMPARE)
        found.append(WHY if state in _UNSETTLED else EXPLAIN)
    found.append(SYNC)
    if any(state in {"waiting", "problem"} for state in states):
        found.append(HOLD)
    if any(state == "held" for state in states):
        found.append(RELEASE)
    if len(states) == 1:
        found.append(TRASH)
    return found
