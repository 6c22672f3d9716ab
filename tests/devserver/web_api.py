"""What `web-api.jsonl` takes for granted; see `sync_api`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from syncin_mount.devserver import FULL_PERMISSIONS, LockApp, Share, Space
from syncin_mount.devserver.tokens import TokenKind, verify
from tests.devserver.recordings import Line
from tests.devserver.sync_api import USERS as SYNC_USERS
from tests.devserver.world import Step, World, write

WEB = "web-43bd34"
USERS = SYNC_USERS
BEFORE: dict[int, Step] = {}
OBSERVED: dict[int, Callable[[World, Line], Awaitable[None]]] = {}


def before(number: int) -> Callable[[Step], Step]:
    def add(step: Step) -> Step:
        BEFORE[number] = step
        return step

    return add


async def authorize(world: World, line: Line) -> str:
    if line.number in (17, 20):
        return await world.web("user2")
    if line.number in (79, 80):
        return await world.client("sync", "user1")
    return await world.web("user1")


@before(4)
async def an_account_with_a_history(world: World) -> None:
    """What the recording of the sync API had left: known folders, a space, two shares, things in
    the trash."""
    server = world.server
    for name in ("api-3f7755", "cli-proof", "ext-218e25", "ops-4da1a8"):
        write(world.personal(name, "x"))
        server.store.file_row_or_new("users/user1", name)
    server.store.declare_space(
        Space(alias="team-api-3f7755", name="Team api-3f7755", members={"user1": FULL_PERMISSIONS}),
        int(world.clock()),
    )
    world.server.space_files("team-api-3f7755").joinpath("dir1").mkdir(parents=True)
    (world.root / "spaces/team-api-3f7755/trash/dir1").mkdir(parents=True)
    server.store.file_row_or_new("spaces/team-api-3f7755", "dir1")
    world.personal("ops-4da1a8/adir").mkdir()
    token = await world.client("shared", "user2")
    for alias, permissions in (("ops-4da1a8-ro", ""), ("ops-4da1a8-rw", "a:d:m")):
        share = Share(
            alias=alias, owner="user1", path="ops-4da1a8/adir", members={"user2": permissions}
        )
        server.store.declare_share(share, int(world.clock()))
    await world.add_path(13, "shares/ops-4da1a8-ro", token)
    await world.add_path(14, "shares/ops-4da1a8-rw", token)
    await _trashed(world)


async def _trashed(world: World) -> None:
    token = await world.client("a client", "user1", "e0728f92-3570-4e81-ad26-dbf9a0282ee8")
    world.personal("gone2-58424-new").mkdir()
    await world.add_path(10, "personal/gone2-58424-new", token)
    await world.call(
        "DELETE", "/api/app/spaces/operation/files/personal/gone2-58424-new", token=token
    )
    for name in ("cli-proof", "ext-218e25", "ops-4da1a8"):
        (world.server.trash_of("user1") / name).mkdir()


@before(12)
async def a_tree_to_pick_from(world: World) -> None:
    write(world.personal(WEB, "f.txt"), b"12345")
    write(world.personal(WEB, "sub", "x"))


@before(29)
async def an_uploaded_file(world: World) -> None:
    write(world.personal(WEB, "up.txt"), b"two!")


@before(33)
async def another_one(world: World) -> None:
    write(world.personal(WEB, "up.txt"))


@before(35)
async def things_to_delete(world: World) -> None:
    write(world.personal(WEB, "t1.txt"))
    write(world.personal(WEB, "td", "x", "t2.txt"), b"2")


async def trash_on_disk(world: World, line: Line) -> None:
    top = world.server.trash_of("user1") / WEB
    found = {str(top), *map(str, top.rglob("*"))}
    assert found == {name.replace("<data>", str(world.server.root)) for name in line.note.split()}


OBSERVED[37] = trash_on_disk


@before(56)
async def files_from_elsewhere(world: World) -> None:
    write(world.personal(WEB, "by-sync.txt"), b"by")
    write(world.personal(WEB, "direct-on-disk.txt"))


@before(79)
async def locked_by_webdav(world: World) -> None:
    token = verify(
        world.server.store.state.signing_key,
        TokenKind.ACCESS,
        await world.web("user1"),
        world.clock(),
    )
    assert token is not None
    world.server.locks.hold(
        world.server.places.sync(token[0], f"personal/{WEB}/f.txt"), token[0].id, LockApp.WEBDAV
    )


@before(85)
async def a_folder_of_five_bytes(world: World) -> None:
    write(world.personal("web2-d71291", "f.txt"), b"12345")
