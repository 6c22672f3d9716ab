"""A running server that a recording is replayed against, and the people and clients in that
recording."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

import trio

from syncin_mount.devserver import DevServer, Running, User, serve
from syncin_mount.devserver.tokens import totp
from tests.devserver.recordings import Comparison, Line, sha
from tests.devserver.wire import Reply, Wire

UNKNOWN_SHA = "be62209c9f4d89dab201a708a069f1ef7cb7e8e67bb9484b5f78a6793311e199"
BIG = bytes(range(256)) * 12288  # the 3,145,728 bytes that the recordings upload
INFO = {
    "node": "testhost",
    "os": "linux",
    "osRelease": "6.1",
    "user": "tester",
    "type": "sync-in-cli",
    "version": "2.2.1",
}
WRONG = "not the password"


def password_of(login: str) -> str:
    return f"secret of {login.partition('@')[0]}"


@dataclass
class Tokens:
    access: str
    refresh: str


@dataclass
class World:
    root: Path
    users: list[User]
    nursery: trio.Nursery
    server: DevServer = field(init=False)
    wire: Wire = field(init=False)
    offset: float = 0.0
    bodies: dict[int, bytes] = field(default_factory=dict)
    passwords: dict[int, str] = field(default_factory=dict)
    client_tokens: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Tokens] = field(default_factory=dict)
    authorizations: dict[int, str] = field(default_factory=dict)
    replies: dict[int, Reply] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    _stop: trio.CancelScope | None = None

    def clock(self) -> float:
        return time.time() + self.offset

    async def start(self) -> None:
        self.server = DevServer(self.root, self.users, clock=self.clock)
        scope = trio.CancelScope()
        running: Running = await self.nursery.start(self._serve, scope)
        self._stop = scope
        self.wire = Wire(running.port)

    async def _serve(self, scope: trio.CancelScope, task_status: trio.TaskStatus[Running]) -> None:
        with scope:
            await serve(self.server, task_status=task_status)

    async def stop(self) -> None:
        await self.wire.aclose()
        assert self._stop is not None
        self._stop.cancel()
        self.server.close()

    def personal(self, *names: str, login: str = "user1") -> Path:
        return self.server.files_of(login).joinpath(*names)

    # requests

    async def call(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> Reply:
        headers = [("User-Agent", "sync-in-cli/2.2.1")]
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        data = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        reply = await self.wire.send(method, path, headers, data)
        assert reply is not None
        return reply

    async def web(self, login: str) -> str:
        """An access token without a client."""
        if f"web {login}" not in self.sessions:
            reply = await self.call(
                "POST", "/api/auth/token", {"login": login, "password": password_of(login)}
            )
            self.keep_session(f"web {login}", reply)
        return self.sessions[f"web {login}"].access

    async def client(self, name: str, login: str, client_id: str | None = None) -> str:
        """The access token of a client that is registered on first use; `name` is the test's word
        for it."""
        if name not in self.sessions:
            client_id = client_id or self.kept.get(f"id {name}") or str(uuid.uuid4())
            self.kept[f"id {name}"] = client_id
            body = {
                "login": login,
                "password": password_of(login),
                "clientId": client_id,
                "info": INFO,
            }
            reply = await self.call("POST", "/api/app/sync/register", body)
            assert reply.status == 201, reply
            self.client_tokens[client_id] = json.loads(reply.body)["clientToken"]
            await self.login_client(name, client_id)
        return self.sessions[name].access

    async def login_client(self, name: str, client_id: str) -> None:
        body = {"clientId": client_id, "token": self.client_tokens[client_id], "info": INFO}
        self.keep_session(name, await self.call("POST", "/api/app/sync/auth/token", body))

    def keep_session(self, name: str, reply: Reply) -> None:
        value = json.loads(reply.body)
        self.sessions[name] = Tokens(value["access"], value["refresh"])

    async def add_path(self, path_id: int, remote_path: str, token: str) -> None:
        self.next_path(path_id)
        settings = {
            "name": "t",
            "localPath": "/home/user/folder",
            "remotePath": "x",
            "mode": "both",
            "diffMode": "fast",
            "conflictMode": "recent",
            "filters": [],
            "timestamp": 1,
            "enabled": True,
        }
        reply = await self.call(
            "POST", f"/api/app/sync/paths/{quote(remote_path)}", settings, token
        )
        assert reply.status == 201, reply

    def next_path(self, path_id: int) -> None:
        self.server.store.state.next_ids["paths"] = path_id

    # replaying

    async def replay(self, line: Line) -> Reply | None:
        assert line.request is not None
        assert line.response is not None
        if re.fullmatch(r'\{"id":(\d+),"permissions":"[^"]*"\}', line.response["body"] or ""):
            self.next_path(json.loads(line.response["body"])["id"])
        body = self.body_of(line)
        reply = await self.wire.send(
            line.request["method"], self.target_of(line, body), self.headers_of(line), body
        )
        if reply is not None:
            self.replies[line.number] = reply
            if "etag" in reply.headers and "etag" in line.response["headers"]:
                self.etags[line.response["headers"]["etag"]] = reply.headers["etag"]
            self.learn(line, body, reply)
        return reply

    def target_of(self, line: Line, body: bytes) -> str:
        assert line.request is not None
        target: str = line.request["path"]
        for recorded, ours in self.names.items():
            target = target.replace(recorded, ours)
        query = line.request["query"]
        if isinstance(query, dict):
            whole = self.kept.get(f"whole {line.number}", BIG)
            if query.get("checksum") == UNKNOWN_SHA:
                query = {**query, "checksum": sha(whole)}
            query = urlencode(query)
        return f"{target}?{query}" if query else target

    def headers_of(self, line: Line) -> list[tuple[str, str]]:
        assert line.request is not None
        headers = []
        for name, value in line.request["headers"].items():
            match name.lower():
                case "authorization":
                    headers.append((name, f"Bearer {self.authorizations[line.number]}"))
                case "host" | "content-length" | "connection" | "accept-encoding":
                    pass
                case "sync-in-two-fa-code":
                    headers.append((name, self.totp("user4")))
                case "sync-in-two-fa-password":
                    headers.append((name, password_of("user1")))
                case _:
                    headers.append((name, self.etags.get(value, value)))
        return headers

    def totp(self, login: str) -> str:
        secret = next(user.totp_secret for user in self.users if user.login == login)
        assert secret is not None
        return totp(secret, self.clock())

    def body_of(self, line: Line) -> bytes:
        assert line.request is not None
        if line.number in self.bodies:
            return self.bodies[line.number]
        recorded = line.request["body"]
        if recorded is None:
            return b""
        assert not re.match(r"<.*(bytes|gzip|MiB|tail|rest).*>$", recorded), (
            f"line {line.number} needs a body: {recorded}"
        )
        for old, new in self.names.items():
            recorded = recorded.replace(old, new)
        if '"***"' not in recorded:
            return str(recorded).encode()
        value = json.loads(recorded)
        if "password" in value:
            value["password"] = self.passwords.get(line.number, password_of(value.get("login", "")))
        if "token" in value:
            value["token"] = self.kept.get(
                f"token {line.number}", self.client_tokens.get(value["clientId"], "")
            )
        if value.get("code") == "317989":
            value["code"] = self.totp("user4")
        return json.dumps(value).encode()

    def learn(self, line: Line, body: bytes, reply: Reply) -> None:
        """Keeps the tokens that an answer gives."""
        if reply.status != 201 or not reply.headers.get("content-type", "").startswith(
            "application/json"
        ):
            return
        value = json.loads(reply.body)
        if not isinstance(value, dict):
            return
        if "clientToken" in value:
            self.client_tokens[value["clientId"]] = value["clientToken"]
        if "client_token_update" in value:
            self.client_tokens[json.loads(body)["clientId"]] = value["client_token_update"]
        if "access" in value and body.startswith(b"{") and "clientId" in json.loads(body):
            self.keep_session(f"client {json.loads(body)['clientId']}", reply)

    def comparison(self) -> Comparison:
        return Comparison(str(self.server.root), self.names)


Step = Callable[[World], Awaitable[None]]


def write(path: Path, data: bytes = b"x", mtime: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if mtime is not None:
        os.utime(path, (mtime, mtime))


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what another task or the kernel brings about."""
    with trio.fail_after(60):
        while not condition():  # noqa: ASYNC110  # the condition is another task's or the kernel's: there is no event
            await trio.sleep(0.005)


def decoded(line: Line) -> str:
    assert line.request is not None
    return unquote(line.request["path"])
