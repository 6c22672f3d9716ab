"""Words of the program that tables show: sides, actions, results, states, places.

Options, JSON and the configuration have them in English, as they are here.
"""

from __future__ import annotations

from syncin_mount.language import ENGLISH, current, mark, t

_WORDS = (
    # sides, and where versions are
    mark("local"),
    mark("base"),
    mark("server"),
    mark("trash"),
    mark("own"),
    mark("desktop"),
    # what is done
    mark("make"),
    mark("send"),
    mark("fetch"),
    mark("move"),
    mark("touch"),
    mark("delete"),
    mark("agree"),
    mark("forget"),
    mark("edit"),
    # what programs did in the drive
    mark("create"),
    mark("write"),
    mark("rename"),
    mark("remove"),
    mark("times"),
    # how it ended
    mark("done"),
    mark("failed"),
    mark("waits"),
    mark("stale"),
    mark("conflict"),
    # states
    mark("pending"),
    mark("held"),
    mark("synchronized"),
    mark("halted"),
    mark("refused"),
    mark("offline"),
    mark("paused"),
    # what the supervisor sees
    mark("up"),
    mark("starting"),
    mark("stopping"),
    mark("waiting"),
    # clients
    mark("logged in"),
    mark("logged out"),
    mark("expired"),
    mark("disabled"),
    # places
    mark("configuration"),
    mark("replica"),
    mark("log"),
    # kinds
    mark("file"),
    mark("folder"),
    mark("link"),
    mark("special"),
)


_SIDES = {"remote": mark("server")}
"""In other languages “remote” is what a folder on the server is called: the side is the server."""


def word(text: str) -> str:
    """The word in the reader's language; itself where it is none of these."""
    if current() != ENGLISH:
        text = _SIDES.get(text, text)
    return t(text) if text in _WORDS else text
