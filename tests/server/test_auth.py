"""Access that renews itself: lifetimes, one renewal at a time, and tokens that must not be lost.

This file is long because each answer to a login, a token and a registration is a case of its own.
"""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import cast

import pytest
import trio
import trio.testing

from reconciler.errors import Forbidden, Missing, Refused, RemoteError, Unauthorized, Unreachable
from syncin_mount.app.messages import sentence
from syncin_mount.devserver import Delay, DevServer, Reply, Rule, User
from syncin_mount.remote import ServerAccount, Session, register
from syncin_mount.remote.grants import TokenReply, granted
from syncin_mount.remote.http.transport import Wire
from syncin_mount.remote.registrations import clients, delete_client, unregister
from syncin_mount.remote.tokens import Tokens
from tests.server.support import PASSWORD, TOKENS, Memory, World, answer, head_of, raw_server

TOKEN_PATH = "/api/app/sync/auth/token"
REFRESH_PATH = "/api/auth/token/refresh"


class Clock:
    """A monotonic clock that stands still unless told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def renewals(dev: DevServer) -> list[str]:
    return [r.path for r in dev.requests if r.path in (TOKEN_PATH, REFRESH_PATH)]


def jwt(iat: float, exp: float) -> str:
    claims = (
        base64.urlsafe_b64encode(json.dumps({"iat": iat, "exp": exp}).encode()).decode().rstrip("=")
    )
    return f"head.{claims}.sign"


# Lifetimes ----------------------------------------


@pytest.mark.parametrize("skew", [0, -1e9, 1e9])
def test_lifetimes_do_not_depend_on_the_servers_clock(skew: float) -> None:
    now = 50.0
    reply = TokenReply(
        jwt(skew, skew + 1800), jwt(skew, skew + 14400), int(skew) + 1800, int(skew) + 14400
    )
    grant = granted(reply, now)
    assert grant.access_until == now + 1800 - 120
    assert grant.refresh_until == now + 14400 - 120


def test_a_refresh_tells_what_is_left_of_the_session() -> None:
    """The refresh token keeps its old times: its life counts from when the access token was
    issued."""
    grant = granted(TokenReply(jwt(10_000, 11_800), jwt(0, 14_400)), 0)
    assert grant.refresh_until == 4_400 - 120


def test_tokens_that_tell_nothing_live_shortly() -> None:
    assert 0 < granted(TokenReply("opaque", "opaque", 10**10, 10**10), 0).access_until <= 300
    assert 0 < granted(TokenReply("a.!!!.c", "x"), 0).access_until <= 300


# Renewal ----------------------------------------


async def test_access_is_renewed_before_its_end_by_the_refresh_token(world: World) -> None:
    clock = Clock()
    async with Session(world.session.account, world.store, clock=clock) as session:
        world.dev.requests.clear()
        await clients(session)
        clock.now += 1600
        await clients(session)
        assert renewals(world.dev) == [TOKEN_PATH]
        clock.now += 100  # 1700 of 1800 s
        await clients(session)
        assert renewals(world.dev) == [TOKEN_PATH, REFRESH_PATH]
        clock.now += 14_400
        await clients(session)
        assert renewals(world.dev) == [TOKEN_PATH, REFRESH_PATH, TOKEN_PATH]
    assert all(record.status in (200, 201) for record in world.dev.requests)


async def test_a_refused_token_is_renewed_once_without_anybody_noticing(world: World) -> None:
    world.dev.faults.rules.append(
        Rule(Reply(401, '{"message":"Unauthorized","statusCode":401}'), path="*/clients", count=1)
    )
    assert len(await clients(world.session)) == 1
    world.dev.faults.rules[:] = [
        Rule(Reply(401, '{"message":"Unauthorized","statusCode":401}'), path="*/clients")
    ]
    world.dev.requests.clear()
    with pytest.raises(Unauthorized) as caught:
        await clients(world.session)
    assert "syncin-mount server auth home" in sentence(caught.value)
    assert [r.path for r in world.dev.requests].count("/api/app/sync/clients") == 2


async def test_a_refused_refresh_falls_back_to_the_client_token(world: World) -> None:
    clock = Clock()
    async with Session(world.session.account, world.store, clock=clock) as session:
        await clients(session)
        clock.now += 1700
        world.dev.faults.rules.append(
            Rule(Reply(401, '{"message":"Unauthorized","statusCode":401}'), path=REFRESH_PATH)
        )
        world.dev.requests.clear()
        await clients(session)
        assert renewals(world.dev) == [REFRESH_PATH, TOKEN_PATH]


async def test_one_renewal_at_a_time(world: World) -> None:
    world.dev.faults.rules.append(Rule(Delay(0.05), path=TOKEN_PATH))
    async with Session(world.session.account, world.store) as session:
        world.dev.requests.clear()
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(clients, session)
        assert renewals(world.dev) == [TOKEN_PATH]


async def test_a_failed_renewal_is_no_refusal(world: World) -> None:
    world.dev.faults.rules.append(Rule(Reply(503), path=TOKEN_PATH, count=1))
    async with Session(world.session.account, world.store) as session:
        with pytest.raises(Unreachable):
            await clients(session)
        await clients(session)


# A new client token ----------------------------------------

UPDATE = TOKENS[:-1] + b',"client_token_update":"new"}'


async def test_a_new_client_token_is_saved_before_anything_else() -> None:
    store = Memory("old")
    saved_at_request: list[list[str]] = []

    async def handler(stream: trio.SocketStream) -> None:
        await head_of(stream)
        await stream.send_all(answer("201 Created", UPDATE))
        while await head_of(stream):
            saved_at_request.append(list(store.saved))
            await stream.send_all(answer("200 OK", b"[]"))

    async with (
        raw_server(handler) as url,
        Session(ServerAccount("home", url, "user1", "id"), store) as session,
    ):
        await clients(session)
    assert saved_at_request == [["new"]]


async def test_a_new_client_token_survives_cancellation() -> None:
    store = Memory("old")
    asked, go = trio.Event(), trio.Event()

    async def handler(stream: trio.SocketStream) -> None:
        await head_of(stream)
        asked.set()
        await go.wait()
        await stream.send_all(answer("201 Created", UPDATE))

    async with (
        raw_server(handler) as url,
        Session(ServerAccount("home", url, "user1", "id"), store) as session,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(session.check)
        await asked.wait()
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await trio.testing.wait_all_tasks_blocked()
            assert store.saved == []
            go.set()
    assert store.saved == ["new"]


async def test_a_server_that_stands_still_holds_up_nobody_who_leaves(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A renewal that is cancelled goes on for half a second, and not for the 45 s that it may take
    else."""
    tokens = Tokens(
        cast(Wire, Standing()),
        ServerAccount("home", "http://x", "user1", "id"),
        Memory("old"),
        Clock(),
    )
    began = trio.current_time()
    with trio.move_on_after(10):
        await tokens.access()
    assert trio.current_time() - began == pytest.approx(10.5)
    with pytest.raises(Unreachable, match="in time"):
        await tokens.access()
    assert trio.current_time() - began == pytest.approx(10.5 + 45)


class Standing:
    """A wire on which nothing is ever answered."""

    @contextlib.asynccontextmanager
    async def exchange(self, *_: object) -> AsyncIterator[None]:
        await trio.Event().wait()
        yield


TOKENS_WITH = TOKENS[:-1] + b',"client_token_update":%b}'


@pytest.mark.parametrize(
    "update",
    [
        b'""',
        b"null",
        b"5",
        b'" "',
        b'"a b"',
        b'"a\\r\\nX: y"',
        '"jetón"'.encode(),
        b'"\\ud800"',
        b"[]",
        b'"%b"' % (b"x" * 20_000),
    ],
)
async def test_what_is_no_token_replaces_none(update: bytes) -> None:
    store = Memory("old")

    async def handler(stream: trio.SocketStream) -> None:
        await head_of(stream)
        await stream.send_all(answer("201 Created", TOKENS_WITH % update))
        while await head_of(stream):
            await stream.send_all(answer("200 OK", b"[]"))

    async with (
        raw_server(handler) as url,
        Session(ServerAccount("home", url, "user1", "id"), store) as session,
    ):
        # half a surrogate pair makes the whole answer unreadable
        with contextlib.suppress(Unreachable):
            assert await clients(session) == []
    assert store.load() == "old"
    assert store.saved == []


NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "reply",
    [
        b'{"access":"\xc3\xb6","refresh":"r"}',
        b'{"access":"a\\nb","refresh":"r"}',
        b'{"access":"","refresh":"r"}',
        b'{"access":"a","refresh":null}',
        b'{"access":"a"}',
        b'{"access":"a","refresh":"r","access_expiration":1e30}',
        b'{"access":"a","refresh":"r","access_expiration":' + NESTED + b"}",
        b'{"access":"a","refresh":"r","more":' + NESTED + b"}",
        NESTED,
        b"",
    ],
)
async def test_a_new_client_token_is_kept_whatever_else_is_wrong(reply: bytes) -> None:
    """The old one is dead by then."""
    store = Memory("old")
    with_update = b'{"client_token_update":"new",' + reply[1:]

    async def handler(stream: trio.SocketStream) -> None:
        await head_of(stream)
        await stream.send_all(answer("201 Created", with_update))

    async with (
        raw_server(handler) as url,
        Session(ServerAccount("home", url, "user1", "id"), store) as session,
    ):
        with pytest.raises(Unreachable):
            await session.check()
    assert store.saved == ([] if NESTED in reply or not reply else ["new"])


@pytest.mark.parametrize(
    "claims",
    [b"[" * 5000, b'{"iat":1e308,"exp":-1e308}', b'{"iat":0,"exp":1e12}', b'{"iat":5,"exp":1}'],
)
def test_strange_claims_are_none(claims: bytes) -> None:
    token = "x." + base64.urlsafe_b64encode(claims).decode().rstrip("=") + ".y"
    grant = granted(TokenReply(token, token), 0.0)
    assert 0 < grant.access_until <= 300


@pytest.mark.expected_log("could not be saved")
async def test_a_token_that_cannot_be_saved_is_used_and_saved_later() -> None:
    store = Memory("old", broken=True)
    sent: list[str] = []

    async def handler(stream: trio.SocketStream) -> None:
        while head := await head_of(stream):
            if b"auth/token" not in head:
                await stream.send_all(answer("200 OK", b"[]"))
                continue
            sent.append(json.loads(head.split(b"\r\n\r\n", 1)[1])["token"])
            await stream.send_all(answer("201 Created", UPDATE if len(sent) == 1 else TOKENS))

    clock = Clock()
    async with (
        raw_server(handler) as url,
        Session(ServerAccount("home", url, "user1", "id"), store, clock=clock) as session,
    ):
        await clients(session)
        store.broken = False
        clock.now += 100_000
        await clients(session)
    assert sent == ["old", "new"]
    assert store.saved == ["new"]


# Refusals ----------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("Client is unknown", "does not know this client"),
        ("Client is disabled", "disabled"),
        ("Client token is expired", "expired"),
        ("Something new", "Something new"),
    ],
)
async def test_what_a_refused_client_token_means(world: World, message: str, says: str) -> None:
    body = json.dumps({"statusCode": 403, "message": message})
    world.dev.faults.rules.append(Rule(Reply(403, body), path=TOKEN_PATH))
    async with Session(world.session.account, world.store) as session:
        with pytest.raises(Unauthorized, match=says) as caught:
            await clients(session)
    assert "`syncin-mount server auth home`" in sentence(caught.value)
    assert not caught.value.temporary


@pytest.mark.slow
@pytest.mark.parametrize("message", ["Account suspended or not authorized", "Missing permission"])
async def test_what_a_new_login_cannot_mend_does_not_ask_for_one(
    world: World, message: str
) -> None:
    """Seen on the real server: once the account was let in again, the kept token was good."""
    body = json.dumps({"statusCode": 403, "message": message})
    world.dev.faults.rules.append(Rule(Reply(403, body), path=TOKEN_PATH))
    async with Session(world.session.account, world.store) as session:
        with pytest.raises(Unauthorized, match="ask its administrator") as caught:
            await clients(session)
    assert "server auth" not in sentence(caught.value)


@pytest.mark.slow
async def test_no_token_and_a_damaged_one(world: World) -> None:
    for token, says in (
        ("", "no token"),
        ("not-a-uuid", "damaged"),
        (str(uuid.uuid4()), "does not know"),
    ):
        async with Session(world.session.account, Memory(token)) as session:
            with pytest.raises(Unauthorized, match=says) as caught:
                await session.check()
            assert "`syncin-mount server auth home`" in sentence(caught.value)


@pytest.mark.slow
async def test_logging_in(dev: DevServer, url: str) -> None:
    client = str(uuid.uuid4())
    token = await register(url, "user1", PASSWORD, None, client)
    assert await register(url, "user1", PASSWORD, None, client) == token
    cases: list[tuple[str, str, str, type[RemoteError], str]] = [
        ("user1", "wrong", client, Unauthorized, "Wrong login or password"),
        ("nobody", PASSWORD, client, Unauthorized, "Wrong login or password"),
        ("user1", PASSWORD, "no-uuid", Refused, "UUID"),
        ("user2", PASSWORD, client, Refused, "another user"),
    ]
    for login, password, client_id, error, says in cases:
        with pytest.raises(error, match=says):
            await register(url, login, password, None, client_id)
    for _ in range(9):
        with pytest.raises(Unauthorized, match="Wrong login"):
            await register(url, "user2", "wrong", None, client)
    for password in ("wrong", PASSWORD):
        with pytest.raises(Unauthorized, match="locked"):
            await register(url, "user2", password, None, client)


async def test_two_factor_codes_and_permissions(dev: DevServer, url: str) -> None:
    from syncin_mount.devserver import Application
    from syncin_mount.devserver.tokens import hash_password

    for user in (
        User(
            login="coded",
            password=PASSWORD,
            totp_secret="JBSWY3DPEHPK3PXP",
            recovery_codes=("recover-me",),
        ),
        User(login="bare", password=PASSWORD, applications=frozenset[Application]()),
    ):
        dev.store.declare_user(user, hash_password(user.password))
    with pytest.raises(Unauthorized) as caught:
        await register(url, "coded", PASSWORD, None, str(uuid.uuid4()))
    assert sentence(caught.value).endswith("give it with --code")
    with pytest.raises(Unauthorized, match="code"):
        await register(url, "coded", PASSWORD, "000000", str(uuid.uuid4()))
    assert await register(url, "coded", PASSWORD, "recover-me", str(uuid.uuid4()))
    with pytest.raises(Forbidden, match="may not use"):
        await register(url, "bare", PASSWORD, None, str(uuid.uuid4()))


@pytest.mark.slow
async def test_leaving(world: World) -> None:
    here = await clients(world.session)
    assert [(c.id, c.is_current_client) for c in here] == [(world.session.account.client_id, True)]
    assert here[0].paths[0].settings.remote_path == "personal/x"
    with pytest.raises(Missing):
        await delete_client(world.session, str(uuid.uuid4()))
    await unregister(world.session)
    async with Session(world.session.account, world.store) as session:
        with pytest.raises(Unauthorized):
            await session.check()


class Passed(Memory):
    """A store into which another process puts its new token while this one still shows the old to
    the server."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(old)
        self.new = new

    def load(self) -> str:
        token = super().load()
        self.save(self.new)
        return token


async def test_a_token_that_another_process_renewed_is_taken_from_the_store(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncin_mount.remote.tokens._OTHER_PROCESS", 0.0)
    passed = Passed(str(uuid.uuid4()), world.store.load())
    async with Session(world.session.account, passed) as session:
        await session.check()
