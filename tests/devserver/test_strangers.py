"""What the embedded server gives away to whoever asks it or looks at its folder, and bodies that
mean it harm."""

from __future__ import annotations

import json
import os
import stat
import uuid
from pathlib import Path

import pytest

from syncin_mount.devserver import DevServer, User, accounts
from syncin_mount.devserver.store import AppPassword
from syncin_mount.devserver.tokens import hash_password, password_matches
from tests.devserver.world import INFO, World

NESTED = "[" * 100_000 + "]" * 100_000


async def test_a_wrong_password_costs_the_same_for_everybody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes and saves are counted: they are what takes its time."""
    work: list[str] = []

    def counted(password: str, stored: str) -> bool:
        work.append("hash")
        return password_matches(password, stored)

    save = world.server.store.save
    monkeypatch.setattr(accounts, "password_matches", counted)

    def saved() -> None:
        work.append("save")
        save()

    monkeypatch.setattr(world.server.store, "save", saved)
    user1, user2 = world.server.store.state.accounts
    user1.app_passwords = [AppPassword(f"p{n}", "client", hash_password("x")) for n in range(3)]
    user2.active = False
    costs = {}
    for login in ("user1", "user2", "nobody", "", "user1@example.test"):
        work.clear()
        body = {"login": login, "password": "wrong", "clientId": str(uuid.uuid4()), "info": INFO}
        reply = await world.call("POST", "/api/app/sync/register", body)
        if login:
            assert reply.status in (401, 403)
            costs[login] = list(work)
    assert set(map(tuple, costs.values())) == {("hash",) * 4 + ("save",)}, costs


def test_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        root = tmp_path / "open"
        root.mkdir(mode=0o777)
        server = DevServer(root, [User(login="user1", password="x")])
        server.close()
        tops = [root / "users"]
        assert [stat.S_IMODE(top.stat().st_mode) for top in tops] == [0o700]
        (root / "users").chmod(0o755)  # as an earlier version left it
        DevServer(root, [User(login="user1", password="x")]).close()
        assert stat.S_IMODE((root / "users").stat().st_mode) == 0o700
        others = tmp_path / "others"
        (others / "users").mkdir(parents=True, mode=0o755)
        (others / "users").chmod(0o755)
        DevServer(others, [User(login="user1", password="x")]).close()
        assert stat.S_IMODE((others / "users").stat().st_mode) == 0o755, (
            "it was there before, and is not known to be ours"
        )
    finally:
        os.umask(before)


async def test_files_are_their_owners(world: World) -> None:
    token = world.sessions["main"].access
    reply = await world.call(
        "POST",
        "/api/app/sync/operation/make/personal/docs/made",
        {"type": "file", "mtime": 5},
        token,
    )
    assert reply.status == 201
    query = "size=1&mtime=5"
    headers = [
        ("User-Agent", "sync-in-cli/2.2.1"),
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", "application/octet-stream"),
    ]
    sent = await world.wire.send(
        "POST", f"/api/app/sync/operation/personal/docs/sent?{query}", headers, b"x"
    )
    assert sent is not None
    assert sent.status == 201
    assert [
        stat.S_IMODE(world.personal("docs", name).stat().st_mode) for name in ("made", "sent")
    ] == [0o600, 0o600]


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        NESTED,
        '{"a":' * 50_000,
        '{"mtime":' + "[" * 90 + "]" * 90 + "}",
        "9" * 5000,
        "{",
        "\x00",
        "[1",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/app/sync/register"),
        ("POST", "/api/app/sync/auth/token"),
        ("POST", "/api/auth/token"),
        ("POST", "/api/auth/token/refresh"),
        ("PUT", "/api/app/sync/paths"),
        ("POST", "/api/app/sync/paths/personal/docs"),
        ("POST", "/api/app/sync/operation/diff/1"),
        ("POST", "/api/app/sync/operation/make/personal/docs/x"),
        ("PROPPATCH", "/api/app/sync/operation/personal/docs"),
        ("MOVE", "/api/app/sync/operation/personal/docs"),
        ("MOVE", "/api/app/spaces/operation/files/personal/docs"),
    ],
)
async def test_bodies_that_are_no_json_are_refused(
    world: World, method: str, path: str, body: str
) -> None:
    tokens = world.sessions["main"]
    token = tokens.refresh if path.endswith("refresh") else tokens.access
    headers = [
        ("User-Agent", "sync-in-cli/2.2.1"),
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", "application/json"),
    ]
    reply = await world.wire.send(method, path, headers, body.encode())
    assert reply is not None
    assert reply.status == 400, reply


async def test_half_a_surrogate_pair_is_text(world: World) -> None:
    token = world.sessions["main"].access
    reply = await world.call(
        "POST", "/api/app/sync/operation/make/personal/docs/x", {"type": "\ud800"}, token
    )
    assert reply.status == 400
    body = {"destination": "personal/docs/\ud800"}
    world.personal("docs", "there").write_bytes(b"x")
    reply = await world.call(
        "MOVE", "/api/app/sync/operation/personal/docs/there", json.loads(json.dumps(body)), token
    )
    assert reply.status < 500
