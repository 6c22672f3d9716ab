"""The control API as an ASGI application: JSON in, JSON or lines of JSON out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from reconciler.errors import RemoteError
from reconciler.phrases import Phrase
from syncin_mount.advice import READER_HEADER, reader_named, write_for
from syncin_mount.control.conflict_messages import (
    AcknowledgeRequest,
    ConflictRequest,
    ConflictsRequest,
    ReadVersionRequest,
)
from syncin_mount.control.messages import (
    Call,
    ChangeRequest,
    EmptyRequest,
    ExplainRequest,
    Failure,
    JournalRequest,
    RestoreRequest,
    SyncRequest,
    TransferQuery,
    encoded,
)
from syncin_mount.control.service import NotDone
from syncin_mount.control.state_messages import StatesRequest
from syncin_mount.control.tree_messages import FolderRequest, TrialRequest
from syncin_mount.language import speak
from syncin_mount.language.choice import of_browser

if TYPE_CHECKING:
    from syncin_mount.control.service import Service

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LARGEST_BODY = 64 * 1024
_JSON = [(b"content-type", b"application/json")]
_LINES = [(b"content-type", b"application/x-ndjson")]
_METRICS = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]


class ControlApp:
    """``service`` over HTTP. Listings go out line by line, so that their length needs no memory."""

    def __init__(self, service: Service, sentence: Callable[[object], str] = str) -> None:
        """``sentence`` says for people what an error means that the service raises."""
        self._service = service
        self._sentence = sentence

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        assert scope["type"] == "http"
        speak(of_browser(_header(scope, b"accept-language")))
        write_for(reader_named(_header(scope, READER_HEADER.encode())))
        try:
            await self._answer((scope["method"], scope["path"]), receive, send)
        except msgspec.DecodeError as error:
            await _failure(
                send,
                400,
                Failure(
                    "", Phrase("this daemon does not understand the request ({error})", error=error)
                ),
            )
        except RemoteError as error:
            await _failure(send, 502, Failure(type(error).__name__, self._sentence(error)))
        except NotDone as error:
            await _failure(send, 409, Failure("", self._sentence(error)))

    async def _answer(self, call: tuple[str, str], receive: Receive, send: Send) -> None:
        if call == Call.STATUS.value:
            await _whole(send, self._service.status())
        elif call in {Call.WATCH.value, Call.FOLLOW.value, Call.STATE_CHANGES.value}:
            await _body(receive)
            service = self._service
            watch = {
                Call.WATCH.value: service.watch,
                Call.FOLLOW.value: service.follow,
                Call.STATE_CHANGES.value: service.state_changes,
            }[call]
            await _until_hung_up(receive, partial(self._watch, send, watch))
        elif call == Call.JOURNAL.value:
            listing = msgspec.json.decode(await _body(receive), type=JournalRequest)
            await _lines(send, self._service.journal(everything=listing.everything))
        elif call == Call.CHANGE.value:
            change = msgspec.json.decode(await _body(receive), type=ChangeRequest)
            await _lines(send, self._service.change(change))
        elif call == Call.TRANSFERS.value:
            query = msgspec.json.decode(await _body(receive), type=TransferQuery)
            await _lines(send, await self._service.transfers(query))
        elif call == Call.SYNC.value:
            request = msgspec.json.decode(await _body(receive), type=SyncRequest)
            await _until_hung_up(receive, partial(self._sync, request, send))
        elif call == Call.WAIT_SYNCED.value:
            await _until_hung_up(receive, partial(self._wait_synced, send))
        elif call == Call.EXPLAIN.value:
            asked = msgspec.json.decode(await _body(receive), type=ExplainRequest)
            await _until_hung_up(receive, partial(self._explain, asked.path, send))
        elif call in {Call.FOLDER.value, Call.TRIAL.value, Call.STATES.value}:
            await self._tree(call, receive, send)
        elif call in {Call.BIN.value, Call.RESTORE.value, Call.EMPTY.value}:
            await self._bin(call, receive, send)
        elif call[1].startswith(Call.CONFLICTS.value[1]):
            await self._conflicts(call, receive, send)
        else:
            await self._told(call, send)

    async def _told(self, call: tuple[str, str], send: Send) -> None:
        """Calls that have the daemon do something at once, and are answered with its status;
        and its figures."""
        if call == Call.METRICS.value:
            await _text(send, self._service.metrics())
            return
        if call == Call.RELOAD.value:
            await self._service.reload()
        elif call == Call.RETRY.value:
            self._service.retry()
        elif call == Call.STOP.value:
            self._service.stop()
        else:
            await _failure(
                send,
                404,
                Failure("", Phrase("this daemon is of another version; unmount and mount again")),
            )
            return
        await _whole(send, self._service.status())

    async def _tree(self, call: tuple[str, str], receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if call == Call.FOLDER.value:
            asked = msgspec.json.decode(body, type=FolderRequest)
            await _lines(send, await self._service.folder(asked))
            return
        if call == Call.STATES.value:
            names = msgspec.json.decode(body, type=StatesRequest)
            await _whole(send, await self._service.states(names))
            return
        trial = msgspec.json.decode(body, type=TrialRequest)
        await _until_hung_up(receive, partial(self._trial, trial, send))

    async def _bin(self, call: tuple[str, str], receive: Receive, send: Send) -> None:
        if call == Call.BIN.value:
            await _lines(send, await self._service.bin())
        elif call == Call.RESTORE.value:
            back = msgspec.json.decode(await _body(receive), type=RestoreRequest)
            await _whole(send, await self._service.restore(back))
        else:
            gone = msgspec.json.decode(await _body(receive), type=EmptyRequest)
            await _whole(send, await self._service.empty(gone))

    async def _conflicts(self, call: tuple[str, str], receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if call == Call.CONFLICTS.value:
            asked = msgspec.json.decode(body, type=ConflictsRequest)
            await _lines(send, await self._service.conflicts(everything=asked.everything))
        elif call == Call.ACKNOWLEDGE.value:
            chosen = msgspec.json.decode(body, type=AcknowledgeRequest)
            await _lines(send, await self._service.acknowledge(chosen))
        elif call == Call.READ_VERSION.value:
            part = msgspec.json.decode(body, type=ReadVersionRequest)
            await _whole(send, await self._service.read_version(part))
        else:
            await self._conflict(call, body, send)

    async def _conflict(self, call: tuple[str, str], body: bytes, send: Send) -> None:
        """Calls about one."""
        service = self._service
        calls = {
            Call.SWAP.value: service.swap,
            Call.KEEP_BOTH.value: service.keep_both,
            Call.UNDO.value: service.undo,
            Call.VERSIONS.value: service.versions,
        }
        if call not in calls:
            await self._told(call, send)
            return
        await _whole(send, await calls[call](msgspec.json.decode(body, type=ConflictRequest)))

    async def _explain(self, path: str, send: Send) -> None:
        await _whole(send, await self._service.explain(path))

    async def _trial(self, request: TrialRequest, send: Send) -> None:
        await _whole(send, await self._service.trial(request))

    async def _wait_synced(self, send: Send) -> None:
        await self._service.wait_synced()
        await _whole(send, self._service.status())

    async def _watch(
        self, send: Send, watch: Callable[[], AsyncGenerator[msgspec.Struct, None]]
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _LINES})
        async with aclosing(watch()) as looks:
            async for look in looks:
                await send(_body_part(encoded(look) + b"\n", more=True))
        await send(_body_part(b"", more=False))

    async def _sync(self, request: SyncRequest, send: Send) -> None:
        async with self._service.sync(request) as events:
            await send({"type": "http.response.start", "status": 200, "headers": _LINES})
            async for event in events:
                await send(_body_part(encoded(event) + b"\n", more=True))
            await send(_body_part(b"", more=False))


def _header(scope: Message, wanted: bytes) -> str:
    """Which languages whoever asks reads (RFC 9110, 12.5.4), or where."""
    found = (value for name, value in scope["headers"] if name.lower() == wanted)
    return bytes(next(found, b"")).decode("latin-1")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _until_hung_up(receive: Receive, work: Callable[[], Awaitable[None]]) -> None:
    """Runs ``work``, and cancels it when the caller hangs up. The request's body must have been
    read. What ``work`` raises comes out as it is."""
    failure: RemoteError | NotDone | None = None
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        try:
            await work()
        except (RemoteError, NotDone) as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _LARGEST_BODY:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
    raise msgspec.DecodeError(Phrase("it is too long"))


def _body_part(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _whole(send: Send, answer: msgspec.Struct, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _JSON})
    await send(_body_part(encoded(answer), more=False))


async def _text(send: Send, answer: str) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _METRICS})
    await send(_body_part(answer.encode(), more=False))


async def _failure(send: Send, status: int, failure: Failure) -> None:
    await _whole(send, failure, status)


async def _lines(send: Send, answers: Iterable[msgspec.Struct]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _LINES})
    part = bytearray()
    for answer in answers:
        part += encoded(answer) + b"\n"
        if len(part) > 32 * 1024:
            await send(_body_part(bytes(part), more=True))
            part.clear()
    await send(_body_part(bytes(part), more=False))
