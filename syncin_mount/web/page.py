"""The page as an ASGI application: who may ask, static files, and what is asked of the application
layer."""

from __future__ import annotations

import gzip
import logging
from typing import TYPE_CHECKING

import msgspec

from reconciler.phrases import Phrase
from syncin_mount.advice import Reader, write_for
from syncin_mount.app.messages import sentence
from syncin_mount.control.messages import encoded
from syncin_mount.language import current, speak
from syncin_mount.language.choice import of_browser
from syncin_mount.web import guard
from syncin_mount.web.asgi import (
    JSON,
    Message,
    Receive,
    Send,
    Unanswerable,
    answer,
    answer_lines,
    read_body,
)
from syncin_mount.web.files import CATALOGUE, Files, catalogue
from syncin_mount.web.routes import Content, Refused, Route, Stream, is_expected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncin_mount.web.asgi import Header
    from syncin_mount.web.tickets import Gate

log = logging.getLogger(__name__)

EXCHANGE = "/api/token"


class TicketRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a token."""

    ticket: str


class TokenAnswer(msgspec.Struct, frozen=True):
    """What the tab sends with every request from now on."""

    token: str


class Page:
    """Answers on one port. ``routes`` are the calls, by their paths."""

    def __init__(
        self,
        gate: Gate,
        port: int,
        routes: Mapping[str, Route],
        language_that_is_set: Callable[[], str | None] = lambda: None,
    ) -> None:
        """``language_that_is_set`` holds whatever the browser prefers."""
        self._gate = gate
        self._port = port
        self._routes = routes
        self._files = Files()
        self._language_that_is_set = language_that_is_set
        self._headers = guard.safe_headers(self._files.import_map)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return
        try:
            await self._answer(scope, receive, send)
        except Unanswerable as error:
            await self._refuse(send, error.status, Refused(str(error)))

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        denied = guard.look_at(scope, self._port)
        if denied is not None:
            raise Unanswerable(denied.status, denied.why)
        write_for(Reader.PAGE)
        speak(self._language_that_is_set() or of_browser(guard.languages_of(scope)))
        # As it came: nothing is decoded, joined or made shorter.
        path = bytes(scope["raw_path"]).decode("latin-1")
        if scope["method"] == "GET":
            await self._send_file(path, send, packed=guard.takes_gzip(scope))
        elif path == EXCHANGE:
            asked = await read_body(receive, TicketRequest)
            token = self._gate.exchange(asked.ticket)
            if token is None:
                raise Unanswerable(401, Phrase("this address was used already, or is too old"))
            await self._send_json(send, 200, TokenAnswer(token))
        else:
            await self._call(path, guard.token_of(scope), receive, send)

    async def _send_file(self, path: str, send: Send, *, packed: bool) -> None:
        found = catalogue(current()) if path == CATALOGUE else self._files.at(path)
        if found is None:
            raise Unanswerable(404, Phrase("there is nothing at this address"))
        headers: list[Header] = [
            *self._headers,
            (b"content-type", found.kind.encode()),
            (b"vary", b"accept-encoding"),
        ]
        if packed:
            await answer(send, 200, [*headers, (b"content-encoding", b"gzip")], found.packed)
        else:  # no browser, but something that reads what the page is made of
            await answer(send, 200, headers, gzip.decompress(found.packed))

    async def _call(self, path: str, token: str | None, receive: Receive, send: Send) -> None:
        if token is None or not self._gate.admits(token):
            raise Unanswerable(401, Phrase("this tab is not known any more"))
        route = self._routes.get(path)
        if route is None:
            raise Unanswerable(404, Phrase("there is nothing at this address"))
        request = await read_body(receive, route.kind)
        try:
            done = await route.handle(request)
        except Exception as error:
            if is_expected(error):
                await self._refuse(send, 409, Refused(sentence(error)))
                return
            log.exception("%s failed", path)
            why = Phrase(
                "this is an error of the program ({kind}); its log says more",
                kind=type(error).__name__,
            )
            await self._refuse(send, 500, Refused(why))
        else:
            if isinstance(done, Stream):
                await answer_lines(send, receive, self._headers, done.lines)
            elif isinstance(done, Content):
                kind = (b"content-type", done.kind.encode())
                await answer_lines(send, receive, self._headers, done.pieces, kind)
            else:
                await self._send_json(send, 409 if isinstance(done, Refused) else 200, done)

    async def _refuse(self, send: Send, status: int, why: Refused) -> None:
        await self._send_json(send, status, why)

    async def _send_json(self, send: Send, status: int, value: object) -> None:
        headers: list[Header] = [*self._headers, JSON]
        await answer(send, status, headers, encoded(value))
