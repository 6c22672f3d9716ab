"""Events that could not be applied, set aside by a start: each with its bytes as they were, and
why.

They stay until ``check --repair`` puts them to the other damaged files. What an event was to change
did not happen: a later listing or a program does it anew, or contents that it named are found by a
repair.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from reconciler.phrases import Phrase
from syncin_mount import system

log = logging.getLogger(__name__)

FOLDER: Final = "aside"


class SetAside:
    """The folder ``aside`` of a replica: ``N.event``, the payload of event N, and ``N.txt``."""

    def __init__(self, replica: Path) -> None:
        self._folder = replica / FOLDER

    def add(self, number: int, payload: bytes, why: str) -> None:
        """Keeps an event, on the disk when this returns. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for suffix, text in (
            ("event", payload),
            ("txt", f"{why}\n".encode("utf-8", "backslashreplace")),
        ):
            (self._folder / f"{number}.{suffix}").write_bytes(text)
        system.sync_file_system(self._folder)
        log.error(
            "event %d of the journal cannot be applied (%s); it is set aside in %s",
            number,
            why,
            self._folder,
        )

    def told(self) -> list[str]:
        """One clause for people for each."""
        return [
            Phrase(
                "event {number} of the journal could not be applied and is set aside: {why}",
                number=path.stem,
                why=path.read_text(errors="replace").strip(),
            )
            for path in sorted(self._folder.glob("*.txt"))
        ]

    def move_to(self, target: Path) -> None:
        """Puts all to the damaged files of a repair."""
        if self._folder.is_dir():
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.rename(target / FOLDER)
