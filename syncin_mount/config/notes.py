"""What is remembered of a registered client beside the configuration: not for people to edit, and
no loss when gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncin_mount.config.files import locked, write_atomic
from syncin_mount.config.folders import Folders, private_folder

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Notes:
    """``removed`` are the numbers of synchronizations that were removed here while the server could
    not be told; ``not_taken`` a sentence for each that the server lists for this computer and that
    cannot be taken up."""

    removed: frozenset[int] = frozenset()
    not_taken: tuple[str, ...] = ()


class NotesFile:
    """The notes of one client, by its UUID. Several processes use it at once. Everything blocks."""

    def __init__(self, folders: Folders, client_id: str) -> None:
        self._folder = folders.state / "notes"
        self._file: Path = self._folder / f"{client_id}.json"

    def read(self) -> Notes:
        """Nothing is noted where there is no file, or none that can be read."""
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return Notes()
        if not isinstance(found, dict):
            return Notes()
        return Notes(frozenset(_all(found, "removed", int)), tuple(_all(found, "not_taken", str)))

    def update(self, change: Callable[[Notes], Notes]) -> Notes:
        """Replaces the notes by ``change`` of them, under the lock that all writers share. Raises
        OSError, FolderError."""
        private_folder(self._folder)
        with locked(self._folder / "lock"):
            before = self.read()
            after = change(before)
            if after != before:
                data = {"removed": sorted(after.removed), "not_taken": list(after.not_taken)}
                write_atomic(self._file, json.dumps(data, indent=2).encode())
        return after

    def forget(self) -> None:
        """The client is no more."""
        self._file.unlink(missing_ok=True)


def _all(found: dict[str, Any], key: str, kind: type[Any]) -> Iterable[Any]:
    values = found.get(key)
    return [each for each in values if isinstance(each, kind)] if isinstance(values, list) else []
