"""What the local disk refuses, told to people once."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase, strerror
from syncin_mount.app.messages import sentence
from syncin_mount.store.errors import IndexDamaged

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_PARTS = {"contents": Phrase("contents"), "index": Phrase("the index")}


class DiskTrouble:
    """What the local disk refuses: logged once, though it is tried every second."""

    def __init__(self, tell: Callable[[str | None], None], name: str) -> None:
        self._tell = tell
        self._name = name
        self._known: dict[str, str] = {}

    def met(self, what: str, error: OSError) -> None:
        """Of the ``contents`` or the ``index``."""
        if isinstance(error, IndexDamaged):
            text = sentence(error, self._name)
        elif error.errno in {errno.ENOSPC, errno.EDQUOT}:
            text = Phrase(
                "the disk with the local copy is full; nothing is lost, but make room there"
            )
        else:
            text = Phrase(
                "{what} cannot be brought to the disk with the local copy ({why}); it is"
                " tried again",
                what=_PARTS[what],
                why=strerror(error),
            )
        if self._known.get(what) != text:
            log.error("%s", text)
        self._known[what] = text
        self._tell(text)

    def over(self, what: str) -> None:
        """That is no trouble any more."""
        if self._known.pop(what, None) is not None:
            log.info("%s can be brought to the disk with the local copy again", what)
            self._tell(next(iter(self._known.values()), None))
