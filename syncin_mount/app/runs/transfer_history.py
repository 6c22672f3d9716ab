"""The transfers of several synchronizations as one list, whether they are mounted or not."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import trio

from syncin_mount.app.drives.open_drive import ask_drive

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from syncin_mount.config import Configuration, Folders
    from syncin_mount.control.messages import Transfer, TransferQuery

PAGE = 1000
"""Rows asked for at once."""

LOOK_EVERY_S = 1.0
"""Seconds between looks for new ones."""


@dataclass(frozen=True, slots=True)
class TransferHistory:
    """``query`` says which transfers of the synchronizations ``names``, and how many."""

    folders: Folders
    configuration: Configuration
    names: tuple[str, ...]
    query: TransferQuery

    async def newest(self, before: Mapping[str, int]) -> tuple[list[Transfer], dict[str, int]]:
        """The last ``limit`` ones of all before these numbers, the newest first; and the numbers
        for the page before, empty when there is none."""
        each = {name: await self._up_to_limit(name, before.get(name)) for name in self.names}
        merged = list(heapq.merge(*each.values(), key=lambda transfer: -transfer.time))
        found = merged[: self.query.limit]
        if len(merged) == len(found) and all(
            len(rows) < self.query.limit for rows in each.values()
        ):
            return found, {}
        cursors = {name: rows[0].sequence + 1 for name, rows in each.items() if rows}
        cursors |= {transfer.synchronization: transfer.sequence for transfer in found}
        return found, cursors

    async def follow(self) -> AsyncIterator[list[Transfer]]:
        """The newest ones, and then for ever those that come, in their order. Ends with its
        task."""
        any_one = msgspec.convert({"limit": 1}, type(self.query))
        last = {
            name: max([0, *(row.sequence for row in await self._rows(name, any_one))])
            for name in self.names
        }
        found, _ = await self.newest({name: number + 1 for name, number in last.items()})
        yield found[::-1]
        while True:
            await trio.sleep(LOOK_EVERY_S)
            new: list[list[Transfer]] = []
            for name in self.names:
                asked = msgspec.structs.replace(self.query, after=last[name], limit=PAGE)
                new.append(await self._rows(name, asked))
                last[name] = max([last[name], *(row.sequence for row in new[-1])])
            yield list(heapq.merge(*new, key=lambda transfer: transfer.time))

    async def _up_to_limit(self, name: str, before: int | None) -> list[Transfer]:
        rows: list[Transfer] = []
        while len(rows) < self.query.limit:
            asked = min(PAGE, self.query.limit - len(rows))
            page = await self._rows(
                name, msgspec.structs.replace(self.query, before=before, limit=asked)
            )
            rows += page
            if len(page) < asked:
                break
            before = page[-1].sequence
        return rows

    async def _rows(self, name: str, query: TransferQuery) -> list[Transfer]:
        configured = self.configuration.synchronizations[name]
        return await ask_drive(
            self.folders, self.configuration, configured, lambda drive: drive.transfers(query)
        )
