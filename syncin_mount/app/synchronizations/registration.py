"""One synchronization's settings, here and on the server: agreed on before every run.

The server has the last word on where its folder is and on what we may do there; of the settings
that can be changed on either side the newer ones hold. What it changed is written to the
configuration before a run follows it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from reconciler.errors import Missing, Refused, RemoteError
from reconciler.model import Settings
from reconciler.phrases import Phrase
from reconciler.planner.guards import Halted, disabled, respelled, unregistered
from syncin_mount.app.drives.views import filter_of
from syncin_mount.config import Scheduler, Synchronization
from syncin_mount.config.model import Unit, parse_schedule
from syncin_mount.config.rules import not_there_yet
from syncin_mount.config.schema import unholdable
from syncin_mount.config.values import check_remote
from syncin_mount.remote.registrations import (
    PathChanges,
    PathUpdate,
    SyncPath,
    register_path,
    update_paths,
)
from syncin_mount.remote.registrations import Scheduler as WireScheduler
from syncin_mount.remote.remote_paths import shown

if TYPE_CHECKING:
    from syncin_mount.remote import Folder, Session

log = logging.getLogger(__name__)

_AS_MOUNTED = ("mountpoint", "trash", "remote", "path_id", "permissions")
"""What an edited configuration changes with the next mount only, or the server alone."""

Save = Callable[[Synchronization, Synchronization], Awaitable[None]]
"""``await save(before, after)`` puts what differs into the configuration."""

Load = Callable[[], Awaitable[Synchronization | None]]
"""``await load()`` is the synchronization as the configuration has it now, None when it has not."""

Offered = Callable[[list[SyncPath]], Awaitable[object]]
"""``await offered(paths)`` is told what the server lists for this client besides."""


async def _unknown() -> None:
    return None


async def _ignored(_paths: list[SyncPath]) -> None:
    return None


def wire(synchronization: Synchronization) -> SyncPath:
    """The settings as the server keeps them."""
    scheduler = synchronization.scheduler
    return SyncPath(
        name=synchronization.name,
        local_path=str(synchronization.mountpoint),
        remote_path=synchronization.remote,
        permissions=synchronization.permissions,
        mode=synchronization.direction,
        diff_mode=synchronization.mode,
        conflict_mode=synchronization.conflict,
        filters=list(synchronization.filters),
        scheduler=WireScheduler(scheduler.value, scheduler.unit.value),
        timestamp=synchronization.timestamp,
        enabled=synchronization.enabled,
        id=msgspec.UNSET if synchronization.path_id is None else synchronization.path_id,
    )


def merged(ours: Synchronization, update: PathUpdate) -> Synchronization:
    """Our settings with the server's in their place where it has newer ones. Pure.

    Raises Halted when the folder is another one by its spelling only, Refused when it cannot be
    synchronized where it is now. Settings that this version cannot follow stay as they are here.
    """
    now = ours
    if isinstance(update.remote_path, str) and update.remote_path != ours.remote:
        stop = respelled(ours.remote, update.remote_path)
        if stop is not None:
            raise Halted(stop)
        try:
            now = replace(now, remote=check_remote(update.remote_path))
        except ValueError as error:
            sentence = Phrase(
                "The folder is now {remote_path}, where it cannot be synchronized: {error}",
                remote_path=shown(update.remote_path),
                error=error,
            )
            raise Refused(sentence) from None
    if isinstance(update.permissions, str):
        now = replace(now, permissions=permissions(update.permissions))
    if not isinstance(update.timestamp, int) or update.timestamp <= ours.timestamp:
        return now
    if unholdable(replace(now, timestamp=update.timestamp)) is not None:
        log.warning("the server's settings are not followed: their date cannot be one")
        return now
    enabled = now.enabled if update.enabled is msgspec.UNSET else update.enabled
    followed = replace(
        now,
        timestamp=update.timestamp,
        direction=now.direction if update.mode is msgspec.UNSET else update.mode,
        conflict=(now.conflict if update.conflict_mode is msgspec.UNSET else update.conflict_mode),
        enabled=enabled,
        # One that was disabled here before is wanted by who mounts it by hand.
        disabled_there=None if enabled else (now.disabled_there or now.enabled or None),
    )
    changes: tuple[dict[str, Any], ...] = (
        {} if update.diff_mode is msgspec.UNSET else {"mode": update.diff_mode},
        {} if update.filters is msgspec.UNSET else {"filters": tuple(update.filters)},
        {"scheduler": _scheduler(update) or ours.scheduler},
    )
    for change in changes:
        whole = replace(followed, **change)
        refused = not_there_yet(whole) or unholdable(whole)
        if refused is None:
            followed = whole
        else:
            log.warning("a setting of the server's page is not followed: %s", refused)
    return followed


_PERMISSION = re.compile(r"[a-z]{1,8}")
_MOST_PERMISSIONS = 16


def permissions(text: str) -> str:
    """The server's word for what may be done, without what cannot be part of one: it is kept in the
    configuration."""
    return ":".join(
        [each for each in text.split(":") if _PERMISSION.fullmatch(each)][:_MOST_PERMISSIONS]
    )


def followed(ours: Synchronization, changes: PathChanges) -> Synchronization:
    """`merged` with all that the server says of ours, in its order. Raises as that."""
    for update in changes.update:
        if update.id in (ours.path_id, None):  # no other was asked about
            ours = merged(ours, update)
    return ours


def _scheduler(update: PathUpdate) -> Scheduler | None:
    if update.scheduler is msgspec.UNSET:
        return None
    if update.scheduler is None:
        return Scheduler()
    # One that the configuration cannot say (0 minutes, 100,000 days) is not followed.
    return parse_schedule(str(Scheduler(update.scheduler.value, Unit(update.scheduler.unit))))


async def newest(session: Session, ours: Synchronization) -> tuple[Synchronization, float | None]:
    """Our settings with the server's in their place where those are newer, and what time it is
    there (seconds since the epoch; None when it does not tell). Raises RemoteError, Halted."""
    if ours.path_id is None:
        return ours, None
    return followed(ours, await update_paths(session, [wire(ours)])), session.server_time()


async def gone_there(session: Session, known: Iterable[Synchronization]) -> list[Synchronization]:
    """Those registered ones that this client has no more on the server. Raises RemoteError."""
    ours = [each for each in known if each.path_id is not None]
    gone = (await update_paths(session, [wire(each) for each in ours])).delete if ours else []
    return [each for each in ours if each.path_id in gone]


async def register_again(
    session: Session, synchronizations: Iterable[Synchronization], now: float
) -> list[tuple[Synchronization, RemoteError | None]]:
    """Those that this client no longer has on the server, each with the number that it has from now
    on, or why it cannot be registered. They go from there with the client, with their entry on the
    account page, or with a share. ``now`` is wall time in seconds: so the registration is a new one
    to who does not know it yet. Raises RemoteError."""
    again: list[tuple[Synchronization, RemoteError | None]] = []
    for each in await gone_there(session, synchronizations):
        try:
            new = replace(
                each, timestamp=max(int(session.server_time() or now), each.timestamp + 1)
            )
            registered = await register_path(session, wire(replace(new, path_id=None)))
        except RemoteError as error:
            again.append((each, error))
        else:
            kept = permissions(registered.permissions)
            again.append((replace(new, path_id=registered.id, permissions=kept), None))
    return again


class Registration:
    """The settings in force. Those ``on_change`` are called whenever they changed, after they were
    saved."""

    def __init__(
        self,
        session: Session,
        remote: Folder,
        synchronization: Synchronization,
        *,
        host: str,
        save: Save,
        load: Load = _unknown,
        offered: Offered = _ignored,
    ) -> None:
        self._session = session
        self._remote = remote
        self._host = host
        self._save = save
        self._load = load
        self._offered = offered
        self.synchronization = synchronization
        self.on_change: list[Callable[[], None]] = []
        self._fetching = trio.Lock()
        self._last_sync: str | None = None
        self._tell_restriction("")

    @property
    def settings(self) -> Settings:
        now = self.synchronization
        filters = filter_of(now.filters)
        # The server's number of a synchronization is nobody else's there.
        tag = "" if now.path_id is None else str(now.path_id)
        return Settings(
            now.direction_in_force,
            now.mode,
            now.conflict,
            host=self._host,
            filters=filters,
            tag=tag,
            restricted=now.restriction is not None,
        )

    async def fetch_settings(self) -> Settings:
        """A ``reconciler.ports.SettingsSource``. A cancelled one may have been saved without being
        in force yet; the next one finds the same. Raises RemoteError, Halted; ConfigurationError
        when it cannot be saved."""
        async with self._fetching:
            return await self._fetch_settings()

    async def adopt(self, edited: Synchronization) -> None:
        """Somebody changed the settings here: newer ones than ours are in force from now on, and
        the server hears of them with the next run. The mount point and the bin stay as they were
        mounted."""
        async with self._fetching:
            ours = self.synchronization
            if edited.timestamp > ours.timestamp:
                self._follow(
                    replace(edited, **{word: getattr(ours, word) for word in _AS_MOUNTED}),
                    "was set here",
                )

    async def _fetch_settings(self) -> Settings:
        if self.synchronization.path_id is None:
            return self.settings
        changes = await self._ask()
        if self.synchronization.path_id in changes.delete:
            if not await self._registered_again():
                raise Halted(unregistered(self.synchronization.remote))
            changes = await self._ask()
        ours = self.synchronization
        now = followed(ours, changes)
        if now != ours:
            await self._save(ours, now)
            self._follow(now, "the server's page says")
        await self._offered(changes.add)
        if now.is_stopped_there:
            raise Halted(disabled(now.remote))
        return self.settings

    async def tell_last_sync(self, moment: str) -> None:
        """The account's other clients are told that this one has sent something at this time (ISO).
        What the server has newer is left to the next run. Raises RemoteError."""
        async with self._fetching:
            self._last_sync = moment
            if self.synchronization.path_id is not None:
                await self._ask()

    async def _ask(self) -> PathChanges:
        # Without the last one the server would tell others that there was none.
        settings = msgspec.structs.replace(wire(self.synchronization), last_sync=self._last_sync)
        try:
            return await update_paths(self._session, [settings])
        except Missing as error:
            raise Refused(str(error), status=error.status) from error

    async def _registered_again(self) -> bool:
        """Somebody may have registered it anew meanwhile: then it goes on under the new number."""
        ours, present = self.synchronization, await self._load()
        if present is None or present.path_id in (None, ours.path_id):
            return False
        log.info("registered again, as number %s", present.path_id)
        found = replace(
            ours, path_id=present.path_id, remote=present.remote, permissions=present.permissions
        )
        self._follow(found, "the server's page says")
        return True

    def _follow(self, now: Synchronization, why: str) -> None:
        before, self.synchronization = self.synchronization, now
        if now.remote != before.remote:
            log.info("the server's folder is now %s; it was %s", now.remote, before.remote)
        if (now.remote, now.path_id) != (before.remote, before.path_id):
            self._remote.follow(now.remote, now.path_id or 0)
        for what in ("direction", "mode", "conflict"):
            if getattr(now, what) is not getattr(before, what):
                log.info("%s is now %s, as %s", what, getattr(now, what).value, why)
        if now.scheduler != before.scheduler:
            log.info("the schedule is now %s, as %s", now.scheduler, why)
        if now.enabled is not before.enabled:
            log.info("it is %s now, as %s", "enabled" if now.enabled else "disabled", why)
        self._tell_restriction(before.restriction or "")
        for call in self.on_change:
            call()

    def _tell_restriction(self, before: str) -> None:
        now = self.synchronization.restriction or ""
        if now != before:
            log.warning("%s", now or "files may be added, changed and deleted on the server again")
