"""What the server lists for this computer and the configuration does not have.

It was registered by somebody, or the configuration was lost; the answer to ``PUT paths`` names it
under ``add``. What can be mounted is taken into the configuration, disabled: nothing begins before
somebody mounts it. What was removed here while the server was away is removed there now. All else
is told.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from reconciler.errors import RemoteError
from reconciler.phrases import Phrase, strerror
from syncin_mount.app.messages import sentence
from syncin_mount.app.synchronizations.registration import permissions
from syncin_mount.config import ConfigurationError, FolderError, Scheduler, Synchronization
from syncin_mount.config.model import Unit, check_name, parse_schedule
from syncin_mount.config.notes import NotesFile
from syncin_mount.config.rules import not_there_yet, objection
from syncin_mount.config.schema import unholdable
from syncin_mount.config.values import check_remote, unheld
from syncin_mount.mount_table import is_ours, mounted_at
from syncin_mount.remote.registrations import delete_path
from syncin_mount.remote.remote_paths import shown

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, ConfigurationFile, Folders, Server
    from syncin_mount.remote import Session
    from syncin_mount.remote.registrations import SyncPath

log = logging.getLogger(__name__)

FRESH = 60
"""Seconds that a registration may be younger than to be left alone: 'add' registers first and
writes then."""


MOST = 50
"""Synchronizations with one server that the configuration may have for one more to be taken up
unasked."""

MOST_TOLD = 20
"""Sentences about what is not taken up."""


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A synchronization came from the server into the configuration."""

    new: Synchronization


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the offers: those that are ``taken`` up, a sentence for each that is
    ``not_taken``, the numbers to be ``removed`` on the server. One that is too young ``waits``."""

    taken: tuple[Synchronization, ...] = ()
    not_taken: tuple[str, ...] = ()
    removed: tuple[int, ...] = ()
    waits: bool = False


def decide(
    configuration: Configuration,
    server: Server,
    offers: Iterable[SyncPath],
    *,
    removed: Collection[int],
    folders: Folders,
    now: float,
    usable: Callable[[Path], str | None],
) -> Decision:
    """``removed`` are numbers that were removed here, ``now`` is the server's time in seconds,
    ``usable`` says what is wrong with a mount point on the disk. Pure but for what ``usable`` looks
    at."""
    taken: list[Synchronization] = []
    sentences: list[str] = []
    to_remove: list[int] = []
    waits = False
    known = known_to(configuration, server)
    too_many = 0
    for offer in offers:
        number = offer.id
        if not isinstance(number, int) or number in known:
            continue
        if number in removed:
            to_remove.append(number)
            continue
        if 0 <= now - offer.timestamp < FRESH:
            waits = True
            continue
        if len(configuration.used_by(server.name)) >= MOST:
            too_many += 1
            continue
        new, wrong = _as_ours(configuration, server, offer)
        if new is not None:
            wrong = not_there_yet(new) or unholdable(new) or objection(configuration, new, folders)
            wrong = wrong or usable(new.mountpoint)
        if new is None or wrong:
            sentences.append(
                Phrase(
                    "the server '{server}' lists {name} ({remote}) for this computer, which is"
                    " not taken up: {wrong}; where it is not wanted, remove it on the account page",
                    server=server.name,
                    name=shown(offer.name),
                    remote=_remote(offer),
                    wrong=wrong,
                )
            )
            continue
        taken.append(new)
        configuration = configuration.with_synchronization(new)
    more = len(sentences) - MOST_TOLD
    if more > 0:
        sentences[MOST_TOLD:] = [
            Phrase(
                "the server '{server}' lists {count} more that are not taken up, for such reasons",
                server=server.name,
                count=more,
            )
        ]
    if too_many:
        sentences.append(
            Phrase(
                "the server '{server}' lists {count} more for this computer, which are"
                " not taken up: the configuration has {most} of that server already; add what"
                " you want here, and remove what you do not on the account page",
                server=server.name,
                count=too_many,
                most=MOST,
            )
        )
    return Decision(tuple(taken), tuple(sentences), tuple(to_remove), waits)


def known_to(configuration: Configuration, server: Server) -> frozenset[int]:
    """The numbers of what is configured with this server's registration."""
    return frozenset(
        each.path_id
        for each in configuration.synchronizations.values()
        if each.path_id is not None
        and configuration.servers[each.server].client_id == server.client_id
    )


def _as_ours(
    configuration: Configuration, server: Server, offer: SyncPath
) -> tuple[Synchronization | None, str | None]:
    """The offer as a synchronization of ours, or why it cannot be one."""
    try:
        remote = check_remote(offer.remote_path)
    except ValueError as error:
        return None, str(error)
    place = Path(offer.local_path)
    if not place.is_absolute() or ".." in place.parts or unheld(offer.local_path) is not None:
        return (
            None,
            Phrase(
                "{path} is no folder that can be a mount point on this computer",
                path=shown(offer.local_path),
            ),
        )
    wire = offer.scheduler
    scheduler = (
        None if wire is None else parse_schedule(str(Scheduler(wire.value, Unit(wire.unit))))
    )
    new = Synchronization(
        name=_free_name(configuration, offer.name, remote),
        server=server.name,
        remote=remote,
        mountpoint=place,
        direction=offer.mode,
        mode=offer.diff_mode,
        conflict=offer.conflict_mode,
        scheduler=scheduler or Scheduler(),
        filters=tuple(offer.filters),
        enabled=False,
        path_id=offer.id if isinstance(offer.id, int) else None,
        timestamp=max(offer.timestamp, 0),
        permissions=permissions(offer.permissions),
        disabled_there=None if offer.enabled else True,
    )
    return new, None


def _remote(offer: SyncPath) -> str:
    return shown(offer.remote_path)[1:-1]


def _free_name(configuration: Configuration, wanted: str, remote: str) -> str:
    stem = next(
        (each for each in (wanted, remote.rpartition("/")[2]) if check_name(each) is None),
        "synchronization",
    )
    names = (stem, *(f"{stem} {number}" for number in range(2, 100)))
    return next((name for name in names if name not in configuration.synchronizations), stem)


def usable_on_disk(place: Path) -> str | None:
    """What is wrong with a mount point, or None. What is mounted there already, a crashed drive
    too, is fine if it can be ours."""
    mount = mounted_at(place)
    if mount is not None:
        return (
            None
            if is_ours(mount)
            else Phrase(
                "something else ({kind}) is mounted at {place}", kind=mount.kind, place=place
            )
        )
    try:
        return (
            None
            if next(place.iterdir(), None) is None
            else Phrase("the folder {place} is not empty", place=place)
        )
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return Phrase("{place} is no folder", place=place)
    except OSError as error:
        return Phrase("the folder {place} cannot be used ({why})", place=place, why=strerror(error))


class Adoption:
    """What `decide` says, carried out. One a process; several processes see the same offers at the
    same time."""

    def __init__(
        self, folders: Folders, file: ConfigurationFile, server: Server, session: Session
    ) -> None:
        self._folders = folders
        self._file = file
        self._server = server
        self._session = session
        self._notes = NotesFile(folders, server.client_id)
        self._told: tuple[str, ...] = ()
        self._decided_for: object = None

    async def look(self, offers: Iterable[SyncPath]) -> tuple[Synchronization, ...]:
        """What was taken up. A failure is logged and leaves all to the next run: the settings of
        what is configured do not depend on it."""
        offers = tuple(offers)
        moment = (offers, self._file.stamp())
        if moment == self._decided_for:
            return ()
        try:
            judged = await trio.to_thread.run_sync(self._decisions, offers)
        except (ConfigurationError, FolderError, OSError) as error:
            log.warning("what the server lists besides cannot be taken up: %s", error)
            return ()
        for new in judged.taken:
            log.warning("%s", sentence(TakenUp(new)))
        for refusal in judged.not_taken:
            if refusal not in self._told:
                log.warning("%s", refusal)
        self._told = judged.not_taken
        for number in judged.removed:
            await self._remove(number)
        if not (judged.removed or judged.not_taken or judged.waits):
            self._decided_for = moment
        return judged.taken

    def _decisions(self, offers: tuple[SyncPath, ...]) -> Decision:
        """Blocks. What is configured without being asked for is decided under the configuration's
        lock: another process may just be taking the same up."""
        notes = self._notes.read()
        known = known_to(self._file.read(), self._server)
        unknown = [each for each in offers if each.id not in known]
        judged = Decision()
        if unknown:

            def with_them(now: Configuration) -> Configuration:
                nonlocal judged
                judged = decide(
                    now,
                    self._server,
                    unknown,
                    removed=notes.removed,
                    folders=self._folders,
                    now=self._session.server_time() or time.time(),
                    usable=usable_on_disk,
                )
                for new in judged.taken:
                    now = now.with_synchronization(new)
                return now

            self._file.update(with_them)
        gone = notes.removed - {each.id for each in offers}
        if gone or judged.not_taken != notes.not_taken:
            self._notes.update(
                lambda now: replace(now, removed=now.removed - gone, not_taken=judged.not_taken)
            )
        return judged

    async def _remove(self, number: int) -> None:
        """What was removed here is removed there, now that the server can be told."""
        try:
            await delete_path(self._session, number)
        except RemoteError as error:
            log.info("the server does not remove the synchronization %d yet: %s", number, error)
