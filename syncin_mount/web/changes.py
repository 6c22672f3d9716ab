"""A synchronization gets other settings or another name, or is removed."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import trio

from syncin_mount.app.errors import InvalidRequest, NotPossible, WouldLose
from syncin_mount.app.messages import sentence
from syncin_mount.app.messages import synchronizations as sentences
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.control.supervision import Ask, What
from syncin_mount.language import t, tn
from syncin_mount.printable import printable
from syncin_mount.web.routes import Done, Name, OneDrive, PathText, Request, Route

if TYPE_CHECKING:
    from syncin_mount.app.states.only_here import OnlyHere
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives

MOST_SHOWN = 20
"""Paths of a kind that are named; the others are counted."""

MOST_LOOKS = 4
"""Looks that somebody may still agree to."""


class Edit(Request, frozen=True):
    """All settings. With another ``mountpoint``, a mounted drive is unmounted for a moment."""

    name: Name
    direction: Literal["both", "upload", "download"]
    conflict: Literal["recent", "local", "remote"]
    mode: Literal["fast", "secure"]
    trash: Literal["auto", "desktop", "own"]
    every: Annotated[str, msgspec.Meta(max_length=20)]
    mountpoint: PathText | None = None


class Rename(Request, frozen=True):
    """``new`` is its name from now on."""

    name: Name
    new: Name


class Remove(Request, frozen=True):
    """Removes what was looked at; what is in the drive is copied to ``keep`` before."""

    look: Annotated[str, msgspec.Meta(max_length=100)]
    keep: PathText | None = None


class Settings(msgspec.Struct, frozen=True):
    """As they are now; ``every`` is a time, or off."""

    direction: str
    conflict: str
    mode: str
    trash: str
    every: str
    mountpoint: str


class Lost(msgspec.Struct, frozen=True):
    """How many of a kind, and some of their paths."""

    what: str
    paths: tuple[str, ...]


class Losses(msgspec.Struct, frozen=True):
    """What only this computer has. ``look`` removes it."""

    look: str
    lost: tuple[Lost, ...]
    trouble: str | None = None


class Changes:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live
        self._seen: dict[str, tuple[str, OnlyHere]] = {}
        self._removed: dict[str, Done] = {}
        self._turn = trio.Lock()

    def routes(self) -> dict[str, Route]:
        return {
            "/api/settings": Route(OneDrive, self.settings),
            "/api/edit": Route(Edit, self.edit),
            "/api/rename": Route(Rename, self.rename),
            "/api/remove/look": Route(OneDrive, self.look),
            "/api/remove": Route(Remove, self.remove),
        }

    async def settings(self, request: OneDrive) -> Settings:
        _, found = await self._drives.named(request.name)
        return Settings(
            found.direction.value,
            found.conflict.value,
            found.mode.value,
            found.trash.value,
            str(found.scheduler),
            str(found.mountpoint),
        )

    async def edit(self, request: Edit) -> Done:
        from reconciler.model import Conflict, Direction, Mode  # noqa: PLC0415 (memory)
        from syncin_mount.app.settings.relocation import relocate  # noqa: PLC0415 (memory)
        from syncin_mount.app.synchronizations import editing, from_text  # noqa: PLC0415 (memory)
        from syncin_mount.config import Trash  # noqa: PLC0415

        await self._drives.named(request.name)
        edits = editing.Edits(
            direction=Direction(request.direction),
            conflict=Conflict(request.conflict),
            mode=Mode(request.mode),
            trash=Trash(request.trash),
            scheduler=from_text.schedule_from_text(request.every),
            mountpoint=None if request.mountpoint is None else _mountpoint(request.mountpoint),
        )
        try:
            relocated = await relocate(self._drives.folders, request.name, edits)
        finally:
            self._live.look_now()
        done = relocated.edited
        if relocated.not_mounted is not None:
            return Done(sentence(relocated.not_mounted, request.name))
        if done.change.not_sent is not None:
            why = sentence(done.change.not_sent, request.name)
            return Done(t("the server hears of it with the next run: {why}", why=why))
        if done.change.missed:
            return Done(sentence(done.change.missed[0]))
        later = t("where deleted files go holds from the next mount on")
        return Done(later if done.waits_for_mount else done.change.after.restriction)

    async def rename(self, request: Rename) -> Done:
        """A mounted drive is unmounted for a moment."""
        from syncin_mount.app.synchronizations.rename_drive import rename  # noqa: PLC0415 (memory)

        await self._drives.named(request.name)
        if request.new == request.name:
            return Done()
        try:
            done = await rename(self._drives.folders, request.name, request.new)
        finally:
            self._live.look_now()
        missed = done.not_mounted or done.not_sent
        return Done(None if missed is None else sentence(missed, request.new))

    async def look(self, request: OneDrive) -> Losses:
        """Unmounts it, and tells what would be lost. Raises CannotUnmount, ReplicaInUse."""
        from syncin_mount.app.processes.mounting import is_there, unmount  # noqa: PLC0415 (memory)
        from syncin_mount.app.synchronizations.removal import only_here  # noqa: PLC0415

        _, found = await self._drives.named(request.name)
        folders = self._drives.folders
        try:
            if is_there(folders, found):
                await unmount(folders, found)
            await trio.to_thread.run_sync(told, folders, Ask(What.HOLD, request.name))
            held = await trio.to_thread.run_sync(only_here, folders, request.name)
        finally:
            self._live.look_now()
        while len(self._seen) >= MOST_LOOKS:
            del self._seen[next(iter(self._seen))]
        look = secrets.token_urlsafe(16)
        self._seen[look] = request.name, held
        return _shown(look, held)

    async def remove(self, request: Remove) -> Done:
        """Exactly what was looked at, once. Raises NotPossible."""
        async with self._turn:
            if request.look in self._removed:  # pressed twice
                return self._removed[request.look]
            if request.look not in self._seen:
                raise NotPossible(t("this was looked at too long ago; look at it again"))
            done = await self._remove(request)
            while len(self._removed) >= MOST_LOOKS:
                del self._removed[next(iter(self._removed))]
            self._removed[request.look] = done
            return done

    async def _remove(self, request: Remove) -> Done:
        from syncin_mount.app.synchronizations import removal  # noqa: PLC0415 (memory)

        name, held = self._seen[request.look]
        await self._drives.named(name)
        folders = self._drives.folders
        confirmed: OnlyHere | removal.KeptCopy = held
        if request.keep is not None:
            place = _place(request.keep)
            confirmed = await trio.to_thread.run_sync(removal.keep_copy, folders, name, place)
        try:
            removed = await removal.remove(folders, name, confirmed)
        except WouldLose as error:
            raise NotPossible(t("{error} by now; look at it again", error=error)) from error
        finally:
            self._live.look_now()
        del self._seen[request.look]
        if removed.not_told is not None:
            return Done(
                t("the server hears of it later: {why}", why=sentence(removed.not_told, name))
            )
        return Done()


def _mountpoint(text: str) -> Path:
    from syncin_mount.app.synchronizations.mountpoint import absolute  # noqa: PLC0415 (memory)

    return absolute(str(_place(text)))


def _place(text: str) -> Path:
    if "\0" in text or not text.strip():
        raise InvalidRequest(t("type the path of a folder that is to be made"))
    try:
        return Path.home() / Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise InvalidRequest(
            t("'{text}' is no path of this computer", text=printable(text))
        ) from error


def _shown(look: str, held: OnlyHere) -> Losses:
    unsent, local, binned = held.unsent, held.local, held.binned
    kinds = (
        (sentences.unsent(len(unsent)), unsent),
        (sentences.local(len(local)), local),
        (
            tn("{count} entry in the trash", "{count} entries in the trash", len(binned)),
            binned,
        ),
    )
    return Losses(
        look,
        tuple(
            Lost(what, tuple(printable(path) or t("(a deletion)") for path in paths[:MOST_SHOWN]))
            for what, paths in kinds
            if paths
        ),
        held.trouble or None,
    )
