"""Which handler answers which method and path."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from .accounts import Accounts
from .listing import list_folder, read_options
from .model import Application
from .operations import Operations
from .paths import Paths
from .places import Places
from .quota import Quotas
from .spaces import Spaces
from .tokens import Identity
from .uploads import Uploads
from .web import Web
from .wire import Answer, Refusal, Request, json_answer, not_allowed

_SYNC = "/api/app/sync/"
_SPACES = "/api/app/spaces/"
_FRONT_PAGE = b"<!doctype html><title>Sync-in (API only test instance)</title>\n"


@dataclass(frozen=True, slots=True)
class Router:
    """The parts, and the table of routes over them."""

    accounts: Accounts
    places: Places
    paths: Paths
    operations: Operations
    uploads: Uploads
    quotas: Quotas
    web: Web
    spaces: Spaces

    async def answer(self, request: Request) -> Answer:
        """Raises Refusal, and ClientGone when the body breaks off."""
        path = request.path
        if path.startswith(_SYNC):
            return await self._sync(request, path.removeprefix(_SYNC))
        if path.startswith(_SPACES):
            return await self._spaces(request, path.removeprefix(_SPACES))
        match request.method, path:
            case "GET", "/":
                return Answer(200, _FRONT_PAGE, ((b"content-type", b"text/html; charset=utf-8"),))
            case "POST", "/api/auth/token":
                return await self.accounts.web_token(request)
            case "POST", "/api/auth/token/refresh":
                return await self.accounts.refresh(request)
            case "GET", "/api/auth/settings":
                return json_answer(False)
            case "GET", "/api/users/me/app_passwords":
                return self.accounts.list_app_passwords(self.accounts.identify(request))
            case "POST", "/api/users/me/app_passwords":
                return await self.accounts.add_app_password(
                    self.accounts.identify(request), request
                )
            case "POST", "/api/app/spaces":
                return await self.spaces.create_space(self.accounts.identify(request), request)
            case "POST", "/api/app/shares":
                return await self.spaces.create_share(self.accounts.identify(request), request)
            case "GET", "/api/app/shares/list":
                return self.spaces.list_shares(self.accounts.identify(request))
        raise _no_route(request)

    async def _sync(self, request: Request, rest: str) -> Answer:
        match request.method, rest.split("/"):
            case "GET", ["handshake"]:
                if not (request.header("user-agent") or "").startswith("sync-in"):
                    raise Refusal(404, "Server not found")
                return json_answer({"server": "sync-in"})
            case "GET", ["app-store"]:
                return json_answer(None)
            case "POST", ["register"]:
                return await self.accounts.register(request)
            case "POST", ["register", "auth"]:
                return await self.accounts.register_with_token(request)
            case "POST", ["unregister"]:
                return await self.accounts.unregister(request)
            case "POST", ["auth", "token"]:
                return await self.accounts.client_token(request)
            case "POST", ["auth", _]:
                raise Refusal(500, "Internal server error")
            case _, ["clients" | "paths", *segments]:
                return await self._registrations(request, rest, segments)
            case _, ["operation", first, *_] if first:
                return await self._operation(request, rest.removeprefix("operation/"))
        raise _no_route(request)

    async def _registrations(self, request: Request, rest: str, segments: list[str]) -> Answer:
        match request.method, [rest.partition("/")[0], *segments]:
            case "GET", ["clients"]:
                return self.accounts.list_clients(self.accounts.identify(request))
            case "DELETE", ["clients", client_id]:
                return self.accounts.delete_client(self.accounts.identify(request), client_id)
            case "PUT", ["clients", client_id, "paths", path_id]:
                return await self.paths.update_one(
                    self._syncing(request), client_id, path_id, request
                )
            case "PUT", ["paths"]:
                return await self.paths.update(self._syncing(request), request)
            case "POST", ["paths", _, *_]:
                return await self.paths.create(
                    self._syncing(request), rest.removeprefix("paths/"), request
                )
            case "DELETE", ["paths", path_id]:
                return self.paths.delete(self._syncing(request), path_id)
        raise _no_route(request)

    def _syncing(self, request: Request) -> Identity:
        who = self.accounts.identify(request)
        if Application.DESKTOP_SYNC not in who.applications:
            raise not_allowed()
        return who

    async def _diff(self, who: Identity, path_id: str, request: Request) -> Answer:
        place = self.paths.folder_to_list(who, path_id)
        await self.quotas.refuse_when_reached(place.root)
        options = await read_options(request)
        return await trio.to_thread.run_sync(list_folder, place, options)

    async def _operation(self, request: Request, path: str) -> Answer:
        if request.method not in (
            "GET",
            "HEAD",
            "POST",
            "PUT",
            "PROPPATCH",
            "MOVE",
            "COPY",
            "DELETE",
        ):
            raise _no_route(request)
        who = self._syncing(request)
        match request.method, path.split("/"):
            case "POST", ["diff", path_id]:
                return await self._diff(who, path_id, request)
            case "POST", ["make", _, *_]:
                return await self.operations.make(
                    who, self.places.sync(who, path.removeprefix("make/")), request
                )
        place = self.places.sync(who, path)
        match request.method:
            case "GET" | "HEAD":
                return await self.operations.download(place, request)
            case "POST" | "PUT":
                return await self.uploads.upload(who, place, request)
            case "PROPPATCH":
                return await self.operations.proppatch(place, request)
            case "MOVE" | "COPY":
                return await self.operations.copy_or_move(who, place, request)
            case _:
                return await self.operations.delete(who, place)

    async def _spaces(self, request: Request, rest: str) -> Answer:
        who = self.accounts.identify(request)
        kind, _, path = rest.partition("/")
        match request.method, kind:
            case "GET", "list" if not path:
                return self.spaces.list_spaces(who)
            case "GET", "tree":
                return await trio.to_thread.run_sync(self.web.tree, who, path, request)
            case "GET", "browse":
                return await trio.to_thread.run_sync(self.web.browse, who, path, request)
            case "GET", "trash" if path == "list":
                return self.web.list_trashes(who)
            case _, "operation" if path:
                return await self._web_operation(who, request, path)
        raise _no_route(request)

    async def _web_operation(self, who: Identity, request: Request, path: str) -> Answer:
        match request.method, path.split("/"):
            case "GET", ["getSize", *_]:
                return await self.web.size(who, path.removeprefix("getSize/"))
            case (("GET" | "HEAD"), _):
                return await self.operations.download(self.places.web(who, path), request)
            case "POST", ["make", *_]:
                return await self.web.make(who, path.removeprefix("make/"), request)
            case (("MOVE" | "COPY"), _):
                return await self.web.copy_or_move(who, path, request)
            case "DELETE", _:
                return await self.operations.delete(who, self.places.web(who, path))
            case "LOCK", _:
                return self.web.lock(who, path)
            case "UNLOCK", _:
                return self.web.unlock(who, path)
        raise _no_route(request)


def _no_route(request: Request) -> Refusal:
    return Refusal(404, f"Cannot {request.method} {request.target}", named="Not Found")
