"""The commands' end of the control API."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
import msgspec
import trio

from syncin_mount.advice import READER_HEADER, reader
from syncin_mount.control import silence
from syncin_mount.control.conflict_messages import (
    AcknowledgeRequest,
    ConflictEntry,
    ConflictRequest,
    ConflictsRequest,
    ConflictVersions,
    ReadVersionRequest,
    VersionPart,
)
from syncin_mount.control.failures import AnswerCut, NoAnswer, NotRunning, OtherVersion, check
from syncin_mount.control.messages import (
    BinEntry,
    Call,
    Changed,
    ChangeRequest,
    EmptyRequest,
    EmptyResult,
    ExplainRequest,
    Explanation,
    JournalEntry,
    JournalRequest,
    Restored,
    RestoreRequest,
    Status,
    SyncEvent,
    SyncRequest,
    Transfer,
    TransferQuery,
)
from syncin_mount.control.state_messages import States, StatesRequest
from syncin_mount.control.transport import address, is_overrun, is_strangers
from syncin_mount.control.tree_messages import FolderRequest, TreeEntry, Trial, TrialRequest
from syncin_mount.language import current

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from syncin_mount.control.transport import Address

_T = TypeVar("_T")

CONNECT_S = 5.0
_ANSWER = httpx.Timeout(30.0, connect=CONNECT_S)
_PATIENT = httpx.Timeout(None, connect=CONNECT_S)
"""For calls that take as long as the work takes. While any call waits, the daemon is asked how it
is."""

FIRST_LOOK_S, LOOK_S = 0.5, 5.0
"""Seconds before the first such question, and between two."""

SILENT_LOOKS = 2
"""So many in a row that nobody answers, and the daemon hangs: one may meet a slow disk. Where it
never answered any, the first tells."""


class Client:
    """Talks to the daemon of one synchronization. Every method raises NotRunning, ControlError, or
    the RemoteError that the daemon met; beginning does, too."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aenter__(self) -> Self:
        if is_strangers(self._path):
            raise NotRunning.stranger(self._path)
        try:
            where = address(self._path)
        except OSError as error:
            raise NotRunning.nobody() from error
        # No certificates are read for a daemon on this computer: a variable that names none must
        # not end the command.
        transport = httpx.AsyncHTTPTransport(uds=where.socket, verify=False, trust_env=False)
        self._http = httpx.AsyncClient(
            transport=transport,
            base_url=f"http://{where.host}",
            event_hooks={"request": [functools.partial(self._expect, where)]},
            timeout=_ANSWER,
            headers={
                **where.headers,
                "accept-language": current(),
                READER_HEADER: reader().value,
            },
        )
        with trio.move_on_after(min(CONNECT_S, silence.patience(self._path))):
            while is_overrun(self._path):  # noqa: ASYNC110 (the kernel tells nobody)
                await trio.sleep(0.1)
            return self
        silence.silent(self._path)
        raise NoAnswer(self._path)

    async def _expect(self, where: Address, _request: httpx.Request) -> None:
        """The daemon is still that which this client began with. Raises httpx.ConnectError."""
        try:
            same = address(self._path) == where
        except OSError:
            same = False
        if not same:
            raise httpx.ConnectError("")

    async def __aexit__(self, *exc_info: object) -> None:
        with trio.CancelScope(shield=True):
            await self._http.aclose()

    async def status(self) -> Status:
        return await self._ask(Call.STATUS, Status)

    async def reload(self) -> Status:
        """Returns when the daemon follows what the configuration says now."""
        return await self._ask(Call.RELOAD, Status)

    async def stop(self) -> Status:
        """Asks the daemon to unmount and end; it still runs when this returns."""
        return await self._ask(Call.STOP, Status)

    async def retry(self) -> Status:
        """Has what the server refused tried again at once; returns before that is done."""
        return await self._ask(Call.RETRY, Status)

    async def wait_synced(self) -> Status:
        """Returns when nothing waits for the server any more."""
        return await self._ask(Call.WAIT_SYNCED, Status, timeout=_PATIENT)

    async def explain(self, path: str) -> Explanation:
        """What is at a path, and what a run would do; takes a listing."""
        return await self._ask(Call.EXPLAIN, Explanation, ExplainRequest(path), timeout=_PATIENT)

    async def folder(self, path: str) -> list[TreeEntry]:
        """What is in a folder of the local tree."""
        async with self._lines(Call.FOLDER, TreeEntry, FolderRequest(path)) as lines:
            return [entry async for entry in lines]

    async def states(self, request: StatesRequest) -> States:
        """The states of many names in one folder."""
        return await self._ask(Call.STATES, States, request)

    async def trial(self, request: TrialRequest) -> Trial:
        """What other filters would do to the local tree; takes seconds for a large one."""
        return await self._ask(Call.TRIAL, Trial, request, timeout=_PATIENT)

    async def bin(self) -> list[BinEntry]:
        """What is in the bin of this computer, oldest first."""
        async with self._lines(Call.BIN, BinEntry) as lines:
            return [entry async for entry in lines]

    async def restore(self, entry: str, to: str | None) -> Restored:
        """Brings an entry of the bin back; takes as long as copying it may take."""
        return await self._ask(Call.RESTORE, Restored, RestoreRequest(entry, to), timeout=_PATIENT)

    async def empty(self, entries: tuple[str, ...]) -> EmptyResult:
        """Removes these entries of the bin for good."""
        return await self._ask(Call.EMPTY, EmptyResult, EmptyRequest(entries), timeout=_PATIENT)

    async def conflicts(self, *, everything: bool = False) -> list[ConflictEntry]:
        """Conflicts that were settled, oldest first."""
        request = ConflictsRequest(everything)
        async with self._lines(Call.CONFLICTS, ConflictEntry, request, timeout=_ANSWER) as lines:
            return [entry async for entry in lines]

    async def acknowledge(self, request: AcknowledgeRequest) -> list[ConflictEntry]:
        """Counts conflicts no more; which they were."""
        async with self._lines(Call.ACKNOWLEDGE, ConflictEntry, request) as lines:
            return [entry async for entry in lines]

    async def swap(self, which: ConflictRequest) -> ConflictEntry:
        """Turns a conflict round; takes as long as a copy may take, as the next two do."""
        return await self._ask(Call.SWAP, ConflictEntry, which, timeout=_PATIENT)

    async def keep_both(self, which: ConflictRequest) -> ConflictEntry:
        """Brings back what lost, beside what won."""
        return await self._ask(Call.KEEP_BOTH, ConflictEntry, which, timeout=_PATIENT)

    async def undo(self, which: ConflictRequest) -> ConflictEntry:
        """Takes back what was chosen of a conflict."""
        return await self._ask(Call.UNDO, ConflictEntry, which, timeout=_PATIENT)

    async def versions(self, which: ConflictRequest) -> ConflictVersions:
        """Both versions of a conflict, as far as they can be read."""
        return await self._ask(Call.VERSIONS, ConflictVersions, which, timeout=_ANSWER)

    async def read_version(self, request: ReadVersionRequest) -> VersionPart:
        """Some bytes of one of them."""
        return await self._ask(Call.READ_VERSION, VersionPart, request, timeout=_ANSWER)

    @contextlib.asynccontextmanager
    async def journal(
        self, *, everything: bool = False
    ) -> AsyncIterator[AsyncIterator[JournalEntry]]:
        async with self._lines(Call.JOURNAL, JournalEntry, JournalRequest(everything)) as lines:
            yield lines

    async def change(self, request: ChangeRequest) -> list[Changed]:
        """Stops, lets go or undoes local changes."""
        async with self._lines(Call.CHANGE, Changed, request) as lines:
            return [each async for each in lines]

    @contextlib.asynccontextmanager
    async def transfers(self, query: TransferQuery) -> AsyncIterator[AsyncIterator[Transfer]]:
        async with self._lines(Call.TRANSFERS, Transfer, query) as lines:
            yield lines

    @contextlib.asynccontextmanager
    async def sync(self, request: SyncRequest) -> AsyncIterator[AsyncIterator[SyncEvent]]:
        """The events of a run, to be read to the end; being cancelled meanwhile ends the run."""
        kind: Any = SyncEvent  # a union is no `type` to mypy
        async with self._lines(Call.SYNC, kind, request, timeout=_PATIENT) as lines:
            yield lines

    async def _ask(
        self,
        call: Call,
        kind: type[_T],
        body: msgspec.Struct | None = None,
        *,
        timeout: httpx.Timeout = _ANSWER,
    ) -> _T:
        method, path = call.value
        content = None if body is None else msgspec.json.encode(body)
        with _translated(self._path):
            async with self._while_alive():
                response = await self._http.request(method, path, content=content, timeout=timeout)
            check(response.status_code, response.content)
            return msgspec.json.decode(response.content, type=kind)

    @contextlib.asynccontextmanager
    async def _while_alive(self) -> AsyncIterator[None]:
        """Around a call. Raises NoAnswer when the daemon does not even say how it is; else what the
        call raises."""
        silent, failed = False, list[Exception]()

        async def look(scope: trio.CancelScope) -> None:
            nonlocal silent
            method, path = Call.STATUS.value
            unanswered, most = 0, 1
            await trio.sleep(FIRST_LOOK_S)
            while True:
                try:
                    await self._http.request(method, path, timeout=silence.patience(self._path))
                    silence.heard(self._path)
                    unanswered, most = 0, SILENT_LOOKS
                except httpx.TimeoutException:
                    unanswered += 1
                except httpx.TransportError:  # the call itself says what happened
                    return
                if unanswered >= most:
                    break
                await trio.sleep(LOOK_S)
            silence.silent(self._path)
            silent = True
            scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(look, nursery.cancel_scope)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below, out of the nursery's group
                failed.append(error)
            nursery.cancel_scope.cancel()
        if silent:
            raise NoAnswer(self._path)
        if failed:
            raise failed[0]

    @contextlib.asynccontextmanager
    async def _lines(
        self,
        call: Call,
        kind: type[_T],
        body: msgspec.Struct | None = None,
        *,
        timeout: httpx.Timeout = _ANSWER,
    ) -> AsyncIterator[AsyncIterator[_T]]:
        method, path = call.value
        content = None if body is None else msgspec.json.encode(body)
        decoder = msgspec.json.Decoder(kind)

        async def decoded(response: httpx.Response) -> AsyncIterator[_T]:
            with _translated(self._path):
                # Not ``aiter_lines``: names may hold U+2028 and others that end a line of text, but
                # none of JSON.
                rest = b""
                async for piece in response.aiter_bytes():
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        yield decoder.decode(line)
                if rest:
                    yield decoder.decode(rest)

        with _translated(self._path):
            async with (
                self._while_alive(),
                self._http.stream(method, path, content=content, timeout=timeout) as response,
            ):
                if response.status_code != 200:
                    check(response.status_code, await response.aread())
                yield decoded(response)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectError as error:
        raise NotRunning.nobody() from error
    except httpx.TimeoutException as error:
        raise NoAnswer(path) from error
    except httpx.TransportError as error:
        raise AnswerCut from error
    except msgspec.MsgspecError as error:
        raise OtherVersion from error
