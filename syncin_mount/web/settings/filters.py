"""What a synchronization leaves out: rules are tried on the real tree before they are kept."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import msgspec

from syncin_mount.app.errors import InvalidRequest
from syncin_mount.app.messages import sentence
from syncin_mount.control.tree_messages import Trial, TrialRequest
from syncin_mount.language import t
from syncin_mount.web.routes import (
    Done,
    Name,
    OneDrive,
    PathText,
    Refused,
    Request,
    Route,
    Stream,
    is_expected,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from syncin_mount.control.tree_messages import TreeEntry
    from syncin_mount.web.live import Live
    from syncin_mount.web.routes import Drives

_MOST = 100
"""Rules that a request has at most, as many as a synchronization."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1100)]
Texts = Annotated[tuple[Text, ...], msgspec.Meta(max_length=_MOST)]


class Change(Request, frozen=True):
    """Rules as people type them are added, and those that are stored so are removed."""

    name: Name
    add: Texts = ()
    remove: Texts = ()


class Read(Request, frozen=True):
    """Rules as people type them."""

    rules: Texts


class FolderOf(Request, frozen=True):
    """A folder of the drive; "" is where all begins."""

    name: Name
    path: PathText = ""


class Rule(msgspec.Struct, frozen=True):
    """``kind`` is the word for it and ``text`` what it looks for; ``pattern`` is how it is
    stored."""

    kind: str
    text: str
    pattern: str


class Rules(msgspec.Struct, frozen=True):
    """Those of a synchronization, or what was read."""

    rules: tuple[Rule, ...]


class Tried(msgspec.Struct, frozen=True, tag_field="event", tag="tried"):
    """What a change would do; ``rules`` are how the added ones are kept."""

    rules: tuple[Rule, ...]
    trial: Trial


class Entries(msgspec.Struct, frozen=True):
    """What is in a folder of the drive."""

    entries: tuple[TreeEntry, ...]


class Filters:
    """The handlers."""

    def __init__(self, drives: Drives, live: Live) -> None:
        self._drives = drives
        self._live = live

    def routes(self) -> dict[str, Route]:
        return {
            "/api/filters": Route(OneDrive, self.filters),
            "/api/filters/read": Route(Read, self.read),
            "/api/filters/folder": Route(FolderOf, self.folder),
            "/api/filters/try": Route(Change, self.try_),
            "/api/filters/change": Route(Change, self.change),
        }

    async def filters(self, request: OneDrive) -> Rules:
        _, found = await self._drives.named(request.name)
        return Rules(_shown(found.filters))

    async def read(self, request: Read) -> Rules:
        """Raises InvalidRequest for a rule that cannot be."""
        return Rules(_shown(changed_filters((), request.rules, ())))

    async def folder(self, request: FolderOf) -> Entries:
        async with self._drives.opened(request.name) as drive:
            return Entries(tuple(await drive.folder(request.path)))

    async def try_(self, request: Change) -> Stream:
        """Ends when the browser hangs up."""
        return Stream(aclosing(self._tried(request)))

    async def _tried(self, request: Change) -> AsyncGenerator[object, None]:
        try:
            _, found = await self._drives.named(request.name)
            wanted = changed_filters(found.filters, request.add, request.remove)
            async with self._drives.opened(request.name) as drive:
                trial = await drive.trial(TrialRequest(found.filters, wanted))
            yield Tried(_shown(changed_filters((), request.add, ())), trial)
        except Exception as error:
            if not is_expected(error):
                raise
            yield Refused(sentence(error, request.name))

    async def change(self, request: Change) -> Done:
        from syncin_mount.app.settings import filters  # noqa: PLC0415 (memory)

        await self._drives.named(request.name)
        done = await filters.set_filters(
            self._drives.folders,
            request.name,
            lambda present: changed_filters(present, request.add, request.remove),
        )
        self._live.look_now()
        if done.not_sent is not None:
            why = sentence(done.not_sent, request.name)
            return Done(t("the server hears of it with the next run: {why}", why=why))
        return Done(next((sentence(each) for each in done.missed), None))


def changed_filters(
    present: tuple[str, ...], add: Iterable[str], remove: Iterable[str]
) -> tuple[str, ...]:
    """Raises InvalidRequest."""
    from syncin_mount.app.settings.filters import changed  # noqa: PLC0415 (memory)
    from syncin_mount.config.filters import FilterError  # noqa: PLC0415 (memory)

    try:
        return changed(present, add, remove)
    except FilterError as error:
        raise InvalidRequest(str(error)) from error


def _shown(patterns: Iterable[str]) -> tuple[Rule, ...]:
    from syncin_mount.config.filters import parse  # noqa: PLC0415 (memory)

    found = ((parse(pattern), pattern) for pattern in patterns)
    return tuple(Rule(rule.kind.value, rule.text, pattern) for rule, pattern in found)
