"""Additions that the page started: added, imported into, mounted. They go on when the tab is
closed."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import trio

from reconciler.phrases import Phrase
from syncin_mount.app.messages import sentence
from syncin_mount.app.processes.supervisor_client import told
from syncin_mount.config import ConfigurationError, ConfigurationFile
from syncin_mount.control.supervision import Ask, Phase, What
from syncin_mount.language import t
from syncin_mount.printable import printable
from syncin_mount.web.assistant.objections import MOST_STUCK, Objected, Stuck, objected, plainly
from syncin_mount.web.routes import is_expected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from syncin_mount.app.synchronizations.addition import (
        Added,
        Addition,
        NotListed,
        NotTakenBack,
    )
    from syncin_mount.config import Folders, Synchronization
    from syncin_mount.web.live import Live

log = logging.getLogger(__name__)

Pairs = list[tuple[str, str]]

TELL_EVERY_S = 0.1
"""An import tells how far it is so often: people read no faster."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was shown to somebody, so that nothing else is done; not ``mounted``: it stays
    disabled. ``bookmark``: it is put into the sidebar of file managers."""

    new: Synchronization
    addition: Addition
    mounted: bool = True
    bookmark: bool = False


class Stage(msgspec.Struct, frozen=True, tag_field="event", tag="stage"):
    """What is done now: ``adding``, ``importing`` (so much is done, of so much) or ``mounting``."""

    stage: str
    files: int = 0
    files_in_all: int = 0
    bytes: int = 0
    bytes_in_all: int = 0


class Mounted(msgspec.Struct, frozen=True, tag_field="event", tag="mounted"):
    """All is done. ``notes`` are sentences about what went wrong beside. ``offer_log_in``: it is
    the first drive, and drives could start at log-in, and do not."""

    name: str
    notes: tuple[str, ...] = ()
    offer_log_in: bool = False


class Kept(msgspec.Struct, frozen=True, tag_field="event", tag="added"):
    """All is done, and it stays disabled. ``notes`` are as in `Mounted`."""

    name: str
    notes: tuple[str, ...] = ()


class Stopped(msgspec.Struct, frozen=True, tag_field="event", tag="stopped"):
    """It was added, and then something did not work; nothing is lost. ``left`` are some of
    ``left_in_all`` files that could not be imported and stay where they were: the import can go
    on."""

    name: str
    why: str
    left: tuple[Stuck, ...] = ()
    left_in_all: int = 0


class Progress:
    """How one of them goes, for whoever reads along."""

    def __init__(self) -> None:
        self._line: object = Stage("adding")
        self._changed = trio.Event()
        self._ended = False

    def tell(self, line: object, *, last: bool = False) -> None:
        """This is so from now on."""
        self._line, self._ended = line, last
        self._changed.set()
        self._changed = trio.Event()

    async def lines(self) -> AsyncGenerator[object, None]:
        """How it is, and how it becomes; the last line is how it ended."""
        while True:
            changed = self._changed
            line, ended = self._line, self._ended
            yield line
            if ended:
                return
            if line is self._line:
                await changed.wait()


class Starts:
    """All of them."""

    def __init__(self, folders: Folders, live: Live, nursery: trio.Nursery) -> None:
        self._folders = folders
        self._live = live
        self._nursery = nursery
        self._import_turn = trio.Lock()
        self._going_on: dict[str, Progress] = {}

    def begin(self, seen: Seen, turn: trio.Lock, *, may_overfill: bool) -> Progress:
        """Begins one; it waits for its ``turn``."""
        progress = Progress()

        async def run() -> None:
            await self._run(seen, turn, progress, may_overfill=may_overfill)

        self._nursery.start_soon(run)
        return progress

    async def _run(
        self, seen: Seen, turn: trio.Lock, progress: Progress, *, may_overfill: bool
    ) -> None:
        notes: list[str] = []
        end: object
        try:
            async with turn:  # an import may take hours, and keeps nobody from looking
                added = await self._add(seen, notes, may_overfill=may_overfill)
        except Exception as error:  # noqa: BLE001 (nobody else is there to be told)
            end = self._not_added(error)
        else:
            sizes = [each.size for each in added.found]
            end = await self._after(
                added.synchronization,
                None if seen.addition.imports is None else sizes,
                notes,
                progress,
                mounted=seen.mounted,
            )
        progress.tell(end, last=True)
        self._live.look_now()

    def go_on(self, name: str) -> Progress:
        """The same for an import that stopped. One that goes on already is told of."""
        if name in self._going_on:
            return self._going_on[name]
        progress = self._going_on[name] = Progress()

        async def run() -> None:
            try:
                end = await self._again(name, progress)
            finally:
                del self._going_on[name]
            progress.tell(end, last=True)
            self._live.look_now()

        self._nursery.start_soon(run)
        return progress

    async def _again(self, name: str, progress: Progress) -> object:
        from syncin_mount.app.synchronizations.importing import look_again  # noqa: PLC0415

        def look() -> tuple[Synchronization, list[int]]:
            new = ConfigurationFile(self._folders).read().synchronizations[name]
            return new, [each.size for each in look_again(self._folders, new)]

        try:
            new, sizes = await trio.to_thread.run_sync(look)
        except Exception as error:  # noqa: BLE001 (nobody else is there to be told)
            return self._not_added(error)
        return await self._after(new, sizes, [], progress)

    async def _add(self, seen: Seen, notes: list[str], *, may_overfill: bool) -> Added:
        from syncin_mount.app.synchronizations.addition import add  # noqa: PLC0415 (memory)

        def note(trouble: NotTakenBack | NotListed) -> None:
            notes.append(sentence(trouble))

        # The supervisor mounts what is enabled as soon as it is there: not before the import.
        new = replace(seen.new, enabled=seen.mounted and seen.addition.imports is None)
        added = await add(
            self._folders, new, note, confirmed=seen.addition, may_overfill=may_overfill
        )
        if seen.bookmark:
            await self._bookmark(new, notes)
        return added

    async def _bookmark(self, new: Synchronization, notes: list[str]) -> None:
        from syncin_mount.app.settings.bookmarks import add_bookmark  # noqa: PLC0415 (memory)

        try:
            there = await trio.to_thread.run_sync(
                add_bookmark, self._folders, new.mountpoint, new.name
            )
        except OSError as error:
            notes.append(t("the bookmarks stay as they are: {why}", why=error.strerror))
        else:
            if not there:
                notes.append(
                    t("there is no file manager with a sidebar here, so it got no bookmark")
                )

    def _not_added(self, error: Exception) -> Objected:
        from syncin_mount.app.errors import ConfirmedOtherwise, NotEnoughRoom  # noqa: PLC0415

        if isinstance(error, ConfirmedOtherwise | NotEnoughRoom):
            return msgspec.structs.replace(objected(error), help="again")
        if is_expected(error):
            return objected(error)
        return Objected(self._own_error("adding", error))

    async def _after(
        self,
        new: Synchronization,
        sizes: list[int] | None,
        notes: list[str],
        progress: Progress,
        *,
        mounted: bool = True,
    ) -> object:
        """Imports files of these sizes (bytes; None: there is no import), and mounts where that is
        wanted; how it ended."""
        try:
            if sizes is not None:
                left, renamed = await self._import(new, sizes, progress)
                if left:
                    return _left(new.name, left)
                notes += [
                    Phrase(
                        "{path} was in the drive already, with another content: it is “{name}”"
                        " there",
                        path=printable(path),
                        name=name,
                    )
                    for path, name in renamed[:MOST_STUCK]
                ]
            if not mounted:
                return Kept(new.name, tuple(notes))
            progress.tell(Stage("mounting"))
            why = await self._mount(new)
        except Exception as error:  # noqa: BLE001 (nobody else is there to be told)
            why = plainly(error) if is_expected(error) else self._own_error("mounting", error)
        if why is not None:
            return Stopped(new.name, why)
        offer = await trio.to_thread.run_sync(self._may_offer_log_in)
        return Mounted(new.name, tuple(notes), offer)

    def _may_offer_log_in(self) -> bool:
        from syncin_mount.app.processes.at_login import AtLogin, look  # noqa: PLC0415 (memory)

        try:
            known = ConfigurationFile(self._folders).read().synchronizations
        except ConfigurationError:
            return False
        return len(known) == 1 and look() is AtLogin.OFF

    async def _import(
        self, new: Synchronization, sizes: list[int], progress: Progress
    ) -> tuple[Pairs, Pairs]:
        """What is left, each with its reason; and what was there already, with its name now."""
        from syncin_mount.app.synchronizations.importing import import_beside  # noqa: PLC0415

        files_in_all, bytes_in_all = len(sizes), sum(sizes)
        files = size = 0
        told_at = -TELL_EVERY_S

        def follow(more_files: int, more_bytes: int) -> None:
            nonlocal files, size, told_at
            files, size = files + more_files, size + more_bytes
            if time.monotonic() - told_at >= TELL_EVERY_S:
                told_at = time.monotonic()
                line = Stage("importing", files, files_in_all, size, bytes_in_all)
                trio.from_thread.run_sync(progress.tell, line)

        progress.tell(Stage("importing", 0, files_in_all, 0, bytes_in_all))
        async with self._import_turn:
            done = await import_beside(self._folders, new, follow)
        return done.left, done.renamed

    async def _mount(self, new: Synchronization) -> str | None:
        """Why it is not mounted, or None."""
        from syncin_mount.app.synchronizations.enabling import enable  # noqa: PLC0415 (memory)

        if not new.enabled:
            switched = await enable(self._folders, new.name)
            drive = switched.drive
        else:
            answer = await trio.to_thread.run_sync(
                lambda: told(self._folders, Ask(What.UP, new.name), seconds=None),
                abandon_on_cancel=True,
            )
            drive = None if answer is None else answer.of(new.name)
        if drive is None or drive.phase is Phase.UP:
            return None
        return drive.why or Phrase("its daemon ended at once; its log says more")

    @staticmethod
    def _own_error(what: str, error: Exception) -> str:
        log.error("%s failed", what, exc_info=error)
        return Phrase(
            "this is an error of the program ({kind}); its log says more",
            kind=type(error).__name__,
        )


def _left(name: str, left: Pairs) -> Stopped:
    return Stopped(
        name,
        Phrase(
            "some files could not be imported and stay where they are; all others are in"
            " the drive. Close what uses them, then go on"
        ),
        tuple(Stuck(printable(path), why) for path, why in left[:MOST_STUCK]),
        len(left),
    )
