"""Nothing outside the root is read or written, whatever a path says and whatever links lie in the
folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.devserver.world import World, write

OPS = "/api/app/sync/operation"
LISTING = {"secureDiff": True, "firstSync": True, "defaultFilters": []}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the root, with a file in it."""
    write(tmp_path / "outside" / "secret.txt", b"secret")
    return tmp_path / "outside"


def snapshot(top: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}


TRAVERSALS = [
    "personal/docs/../../../../../outside/secret.txt",
    "personal/%2e%2e/%2e%2e/%2e%2e/%2e%2e/outside/secret.txt",
    "personal/..%2f..%2f..%2f..%2foutside%2fsecret.txt",
    "personal/docs/..\\..\\outside\\secret.txt",
    "personal//..//..//..//outside/secret.txt",
    "../../outside/secret.txt",
    "personal/docs/..",
    "personal/docs/../..",
]


@pytest.mark.parametrize("path", TRAVERSALS)
async def test_dots_do_not_climb(world: World, outside: Path, path: str) -> None:
    before = snapshot(outside.parent / "outside")
    token = world.sessions["main"].access
    query = "?size=1&mtime=1700000000"
    for method, target, body in (
        ("GET", f"{OPS}/{path}", b""),
        ("PUT", f"{OPS}/{path}{query}", b"x"),
        ("DELETE", f"{OPS}/{path}", b""),
    ):
        headers = [
            ("Authorization", f"Bearer {token}"),
            ("Content-Type", "application/octet-stream"),
        ]
        reply = await world.wire.send(method, target, headers, body)
        assert reply is not None
        assert b"secret" not in reply.body.replace(b"secret.txt", b"")
    assert snapshot(outside) == before
    allowed = {str(world.server.files_of("user1")), str(world.server.trash_of("user1"))}
    written = [name for name in snapshot(world.server.root) if not name.endswith("devserver.json")]
    assert all(any(name.startswith(top + os.sep) for top in allowed) for name in written)


async def test_destinations_do_not_climb(world: World, outside: Path) -> None:
    write(world.personal("docs/a.txt"))
    token = world.sessions["main"].access
    for destination in (
        "personal/../../../../outside/b.txt",
        "../outside/b.txt",
        "personal/docs/../../..",
        "personal",
    ):
        for method in ("MOVE", "COPY"):
            reply = await world.call(
                method, f"{OPS}/personal/docs/a.txt", {"destination": destination}, token
            )
            assert reply.status >= 400, (method, destination)
    web = {"dstDirectory": "files/personal/../../..", "dstName": "../../outside/b.txt"}
    reply = await world.call(
        "MOVE", "/api/app/spaces/operation/files/personal/docs/a.txt", web, token
    )
    assert reply.status >= 400
    assert list(snapshot(outside)) == [str(outside / "secret.txt")]
    assert world.personal("docs/a.txt").exists()


async def test_links_count_as_absent(world: World, outside: Path) -> None:
    world.personal("docs/folder").symlink_to(outside, target_is_directory=True)
    world.personal("docs/file.txt").symlink_to(outside / "secret.txt")
    world.personal("docs/dangling").symlink_to(outside / "nothing")
    token = world.sessions["main"].access
    make = {"type": "directory", "mtime": 1}
    calls: list[tuple[str, str, object]] = [
        ("GET", f"{OPS}/personal/docs/file.txt", None),
        ("GET", f"{OPS}/personal/docs/folder/secret.txt", None),
        ("DELETE", f"{OPS}/personal/docs/folder/secret.txt", None),
        ("DELETE", f"{OPS}/personal/docs/folder", None),
        ("PROPPATCH", f"{OPS}/personal/docs/file.txt", {"mtime": 5}),
        ("POST", f"{OPS}/make/personal/docs/folder/new", make),
        ("POST", f"{OPS}/make/personal/docs/dangling", {"type": "file", "mtime": 1}),
        ("MOVE", f"{OPS}/personal/docs/folder/secret.txt", {"destination": "personal/docs/stolen"}),
        ("COPY", f"{OPS}/personal/docs/file.txt", {"destination": "personal/docs/stolen"}),
        ("GET", "/api/app/spaces/browse/files/personal/docs/folder", None),
        ("GET", "/api/app/spaces/tree/files/personal/docs/folder", None),
    ]
    for method, path, body in calls:
        reply = await world.call(method, path, body, token)
        assert reply.status == 404, (method, path, reply)
    headers = [("Authorization", f"Bearer {token}")]
    for name in ("folder/new.txt", "file.txt", "dangling"):
        for method in ("POST", "PUT"):
            target = f"{OPS}/personal/docs/{name}?size=1&mtime=1"
            put = await world.wire.send(method, target, headers, b"x")
            assert put is not None
            assert put.status == 404
    assert snapshot(outside) == {str(outside / "secret.txt"): b"secret"}
    assert not (outside / "nothing").exists()
    assert world.personal("docs/folder").is_symlink()


async def test_links_and_special_files_are_not_listed(world: World, outside: Path) -> None:
    write(world.personal("docs/real.txt"))
    world.personal("docs/folder").symlink_to(outside, target_is_directory=True)
    os.mkfifo(world.personal("docs/pipe"))
    token = world.sessions["main"].access
    reply = await world.call("POST", "/api/app/sync/operation/diff/1", LISTING, token)
    lines = reply.body.decode().split("\n")
    assert [list(json.loads(line)) for line in lines[:-1]] == [["real.txt"]]
    assert lines[-1] == "done"
    assert (await world.call("GET", f"{OPS}/personal/docs/pipe", token=token)).status == 404


async def test_a_copied_folder_does_not_follow_its_links(world: World, outside: Path) -> None:
    write(world.personal("docs/one/a.txt"))
    world.personal("docs/one/link").symlink_to(outside, target_is_directory=True)
    token = world.sessions["main"].access
    body = {"destination": "personal/docs/two"}
    assert (await world.call("COPY", f"{OPS}/personal/docs/one", body, token)).status == 200
    assert world.personal("docs/two/link").is_symlink()


async def test_folder_replaced_by_a_link_is_not_listed(world: World, outside: Path) -> None:
    world.personal("docs").rmdir()
    world.personal("docs").symlink_to(outside, target_is_directory=True)
    token = world.sessions["main"].access
    reply = await world.call("POST", "/api/app/sync/operation/diff/1", LISTING, token)
    assert reply.status == 404


async def test_other_people_s_files_are_not_reachable(world: World) -> None:
    write(world.personal("private.txt", login="user2"))
    token = world.sessions["main"].access
    for path in (
        "personal/../user2/files/private.txt",
        "user2/private.txt",
        "spaces/user2",
        "shares/private.txt",
    ):
        assert (await world.call("GET", f"{OPS}/{path}", token=token)).status == 404
