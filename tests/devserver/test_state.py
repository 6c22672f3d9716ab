"""What outlives a restart, what the clock brings about, and what happens to a damaged state
file."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import trio.testing

from syncin_mount.devserver import Application, DevServer, Share, Space, StateError, User
from syncin_mount.devserver.store import FILE_NAME
from syncin_mount.devserver.trash import dated
from tests.devserver.wire import begin_upload
from tests.devserver.world import INFO, World, password_of, until, write

OPS = "/api/app/sync/operation"
LISTING = {"secureDiff": False, "firstSync": True, "defaultFilters": []}


async def restart(world: World) -> None:
    await world.stop()
    await world.start()


async def test_a_restarted_server_knows_clients_tokens_and_paths(world: World) -> None:
    write(world.personal("docs/a.txt"))
    client_id = world.kept["id main"]
    await restart(world)
    token = world.sessions["main"].access
    assert (await world.call("POST", f"{OPS}/diff/1", LISTING, token)).body.endswith(b"done")
    body = {"clientId": client_id, "token": world.client_tokens[client_id], "info": INFO}
    assert (await world.call("POST", "/api/app/sync/auth/token", body)).status == 201
    (client,) = json.loads((await world.call("GET", "/api/app/sync/clients", token=token)).body)
    assert client["id"] == client_id
    assert [path["settings"]["remotePath"] for path in client["paths"]] == ["personal/docs"]
    await world.add_path(world.server.store.state.next_ids["paths"], "personal/docs", token)
    assert len({path.id for path in world.server.store.state.paths}) == 2


async def test_users_are_remembered_without_their_passwords(world: World) -> None:
    text = (world.root / FILE_NAME).read_text()
    assert password_of("user1") not in text
    assert stat.S_IMODE((world.root / FILE_NAME).stat().st_mode) == 0o600
    world.users = []
    await restart(world)
    assert await world.web("user2")


async def test_locks_end_with_the_process_and_partials_stay(world: World) -> None:
    target = f"{OPS}/personal/docs/a.bin?size=1000&mtime=1"
    stream = await begin_upload(
        world.wire.port, target, world.sessions["main"].access, 1000, bytes(400)
    )
    await until(lambda: bool(world.server.locks.held()))
    # the bytes are with the server, which waits for more
    await trio.testing.wait_all_tasks_blocked(0.05)
    await restart(world)
    await stream.aclose()
    assert world.server.locks.held() == []
    assert world.personal("docs/.sync-in.a.bin").stat().st_size == 400


async def test_tokens_end_when_the_clock_says_so(world: World) -> None:
    session = world.sessions["main"]
    clients = "/api/app/sync/clients"
    world.offset += 29 * 60
    assert (await world.call("GET", clients, token=session.access)).status == 200
    world.offset += 2 * 60
    assert (await world.call("GET", clients, token=session.access)).status == 401
    refreshed = await world.call("POST", "/api/auth/token/refresh", token=session.refresh)
    assert refreshed.status == 201
    world.offset += 4 * 3600
    assert (
        await world.call("POST", "/api/auth/token/refresh", token=session.refresh)
    ).status == 401
    newer = json.loads(refreshed.body)["refresh"]
    assert (await world.call("POST", "/api/auth/token/refresh", token=newer)).status == 401


async def test_a_client_token_is_renewed_with_60_days_left_and_ends_after_120(world: World) -> None:
    client_id = world.kept["id main"]
    body = {"clientId": client_id, "token": world.client_tokens[client_id], "info": INFO}
    world.offset += 59 * 86400
    assert (
        b"client_token_update"
        not in (await world.call("POST", "/api/app/sync/auth/token", body)).body
    )
    world.offset += 2 * 86400
    answer = json.loads((await world.call("POST", "/api/app/sync/auth/token", body)).body)
    body["token"] = answer["client_token_update"]
    world.offset += 121 * 86400
    refused = await world.call("POST", "/api/app/sync/auth/token", body)
    assert (refused.status, json.loads(refused.body)["message"]) == (403, "Client token is expired")


async def test_a_lock_ends_after_eight_hours(world: World) -> None:
    write(world.personal("docs/a.txt"))
    token = world.sessions["main"].access
    lock = "/api/app/spaces/operation/files/personal/docs/a.txt"
    assert (await world.call("LOCK", lock, token=token)).status == 200
    headers = [("Authorization", f"Bearer {token}")]
    put = await world.wire.send("PUT", f"{OPS}/personal/docs/a.txt?size=1&mtime=1", headers, b"x")
    assert put is not None
    assert put.status == 423
    world.offset += 8 * 3600 + 1
    token = await world.client("later", "user1")
    put = await world.wire.send(
        "PUT",
        f"{OPS}/personal/docs/a.txt?size=1&mtime=1",
        [("Authorization", f"Bearer {token}")],
        b"x",
    )
    assert put is not None
    assert put.status == 200


async def test_quota_is_counted_again_after_half_a_minute(world: World) -> None:
    world.users = [replace(user, quota=1000) for user in world.users]
    await restart(world)
    token = world.sessions["main"].access
    assert (await world.call("POST", f"{OPS}/diff/1", LISTING, token)).status == 200
    write(world.personal("docs/big"), bytes(2000))
    assert (await world.call("POST", f"{OPS}/diff/1", LISTING, token)).status == 200
    world.offset += 31
    assert (await world.call("POST", f"{OPS}/diff/1", LISTING, token)).status == 507
    assert (await world.call("DELETE", f"{OPS}/personal/docs/big", token=token)).status == 200
    world.offset += 31
    assert (await world.call("POST", f"{OPS}/diff/1", LISTING, token)).status == 507, (
        "the trash counts"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "is damaged"), (b'{"format": 99}', "newer"), (b'{"format":1,"clients":3}', "damaged")],
)
def test_a_state_file_that_cannot_be_used_is_left_alone(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(StateError, match=said):
        DevServer(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_failed_write_leaves_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = DevServer(tmp_path, [User(login="user1", password="x")])
    before = (tmp_path / FILE_NAME).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    server.store.state.accounts.clear()
    with pytest.raises(OSError, match="No space"):
        server.store.save()
    assert (tmp_path / FILE_NAME).read_bytes() == before


async def test_spaces_and_shares_give_what_their_permissions_say(world: World) -> None:
    write(world.personal("docs/shared/a.txt"))
    world.server.store.declare_space(
        Space(alias="team", members={"user1": "a:d:m:si:so", "user2": "a"}), 0
    )
    (world.root / "spaces/team/files/plans").mkdir(parents=True)
    share = Share(alias="ours", owner="user1", path="docs/shared", members={"user2": "m"})
    world.server.store.declare_share(share, 0)
    token = await world.client("second", "user2")
    headers = [("Authorization", f"Bearer {token}")]

    async def status(method: str, path: str, body: bytes = b"") -> int:
        query = "?size=1&mtime=1" if method in ("POST", "PUT") else ""
        reply = await world.wire.send(method, f"{OPS}/{path}{query}", headers, body)
        assert reply is not None
        return reply.status

    assert await status("POST", "spaces/team/plans/new.txt", b"x") == 201
    assert await status("PUT", "spaces/team/plans/new.txt", b"y") == 403
    assert await status("DELETE", "spaces/team/plans/new.txt") == 403
    assert await status("PUT", "shares/ours/a.txt", b"z") == 200
    assert await status("POST", "shares/ours/b.txt", b"z") == 403
    assert await status("DELETE", "shares/ours") == 403
    assert await status("GET", "shares/theirs/a.txt") == 404
    assert world.personal("docs/shared/a.txt").read_bytes() == b"z"


def test_a_share_follows_its_folder(tmp_path: Path) -> None:
    server = DevServer(
        tmp_path,
        [User(login="user1", password="x", applications=frozenset({Application.PERSONAL}))],
        shares=[Share(alias="ours", owner="user1", path="a/b", members={})],
    )
    server.store.moved(("users/user1", "a", False), ("users/user1", "z", False))
    row = server.store.share("ours")
    assert row is not None
    file = server.store.row_by_id(row.file_id)
    assert file is not None
    assert file.path == "z/b"


def test_date_suffixes() -> None:
    assert dated("a.tar.gz", 1795422739.171) == "a.tar-2026.11.23 08-32-19.171.gz"
    assert dated(".hidden", 0) == ".hidden-1970.01.01 00-00-00.000"


async def test_a_trashed_file_is_in_the_way_of_a_trashed_folder(world: World) -> None:
    """As on the real server (observed, not recorded)."""
    token = world.sessions["main"].access
    write(world.personal("docs/name"))
    assert (await world.call("DELETE", f"{OPS}/personal/docs/name", token=token)).status == 200
    write(world.personal("docs/name/inner.txt"))
    reply = await world.call("DELETE", f"{OPS}/personal/docs/name/inner.txt", token=token)
    assert reply.status == 500
    assert b"ENOTDIR" in reply.body
    assert world.personal("docs/name/inner.txt").exists()
