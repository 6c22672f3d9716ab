"""`/api/app/sync/operation/…` apart from uploads and the listing: make, proppatch, move, copy,
delete, download.

The order of the checks is the real server's: place and permission, quota, body, existence, locks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import trio

from .downloads import download
from .files import copy, make_file, make_folder, move, refuse_forbidden_name, set_mtime, stat_of
from .locks import Locks
from .places import Place, Places
from .quota import Quotas
from .store import Store
from .tokens import Identity
from .trash import destroy, discard
from .validate import check_copy_move, check_make, check_mtime
from .wire import Answer, Refusal, Request, empty, json_answer, os_refusal

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Runs blocking file work; an OSError becomes the server's 500. Cancellation waits for it."""
    try:
        return await trio.to_thread.run_sync(work)
    except OSError as error:
        raise os_refusal(error) from error


def refuse_overlap(source: Place, target: Place) -> None:
    """Raises 403 for a target that is the source or lies below it."""
    if source.full == target.full:
        raise Refusal(403, "Cannot copy/move source onto itself")
    if target.full.startswith(source.full + "/"):
        raise Refusal(403, "Cannot copy/move source below itself")


class Operations:
    """The operations, on resolved places; see the module."""

    def __init__(
        self, store: Store, places: Places, locks: Locks, quotas: Quotas, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._places = places
        self._locks = locks
        self._quotas = quotas
        self._clock = clock

    def _time(self, mtime: int | None) -> int | None:
        return int(self._clock()) if mtime == 0 else mtime

    async def download(self, place: Place, request: Request) -> Answer:
        return await trio.to_thread.run_sync(download, place, request)

    async def make(self, who: Identity, place: Place, request: Request) -> Answer:
        place.require("a")
        await self._quotas.refuse_when_reached(place.root)
        body = await request.object()
        check_make(body)
        refuse_forbidden_name(place.name)
        self._locks.refuse_foreign(place, who.id)
        work = make_folder if body["type"] == "directory" else make_file
        return json_answer(
            {"ino": await in_thread(partial(work, place, self._time(body["mtime"])))}, 201
        )

    async def proppatch(self, place: Place, request: Request) -> Answer:
        """Sets the mtime; locks do not stop it."""
        place.require("m")
        await self._quotas.refuse_when_reached(place.root)
        body = await request.object()
        check_mtime(body)
        await in_thread(partial(set_mtime, place.existing(), self._time(body["mtime"]) or 0))
        return empty()

    async def copy_or_move(self, who: Identity, source: Place, request: Request) -> Answer:
        moving = request.method == "MOVE"
        if moving:
            source.require("d")
        await self._quotas.refuse_when_reached(source.root)
        body = await request.object()
        check_copy_move(body)
        target = self._destination(who, body["destination"])
        mtime = self._time(body.get("mtime"))
        await self.transfer(who, source, target, moving=moving, overwrite=True, parents=True)

        def settle() -> Answer:
            if mtime is not None:
                set_mtime(target.full, mtime)
            found = stat_of(target.full)
            return json_answer({"ino": found.ino, "mtime": found.mtime})

        answer = await in_thread(settle)
        return empty() if moving else answer

    def _destination(self, who: Identity, path: str) -> Place:
        """A destination that cannot be resolved is the real server's crash, a 500."""
        try:
            return self._places.sync(who, path)
        except Refusal as refusal:
            if refusal.message == "Space not found":
                raise Refusal(
                    500, "Cannot read properties of null (reading 'inTrashRepository')"
                ) from refusal
            raise Refusal(500, "Internal server error") from refusal

    async def transfer(
        self,
        who: Identity,
        source: Place,
        target: Place,
        *,
        moving: bool,
        overwrite: bool,
        parents: bool = False,
    ) -> None:
        """Moves or copies. What lies at the target goes to the trash first, or refuses with 400
        without `overwrite`. With `parents` the target's folder is made, else it has to be there
        (409)."""
        source.existing()
        target.require("a")
        if not parents and not os.path.lexists(os.path.dirname(target.full)):
            raise Refusal(409, "Parent must exists")
        refuse_overlap(source, target)
        if moving:
            self._locks.refuse_foreign(source, who.id)
        self._locks.refuse_foreign(target, who.id)
        there = os.path.lexists(target.contained())
        if there and not overwrite:
            raise Refusal(400, "The destination already exists")
        if there:
            await self._discard(target)
            self._locks.dropped(target)
        await in_thread(partial(move if moving else copy, source, target))
        if moving:
            self._locks.dropped(source)
            self._store.moved(_row_key(source), _row_key(target))

    async def delete(self, who: Identity, place: Place) -> Answer:
        """Into the trash of the folder's owner; out of the trash for good."""
        place.require("d")
        full = place.existing()
        self._locks.refuse_foreign(place, who.id)
        if place.in_trash:
            await in_thread(partial(destroy, full))
        else:
            await self._discard(place)
        self._locks.dropped(place)
        return empty()

    async def _discard(self, place: Place) -> None:
        trashed = await in_thread(partial(discard, place, self._clock()))
        self._store.moved(_row_key(place), _row_key(trashed))


def _row_key(place: Place) -> tuple[str, str, bool]:
    return place.root.key, place.rel, place.in_trash
