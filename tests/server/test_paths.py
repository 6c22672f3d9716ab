"""Registrations, the folder picker and the trash against the embedded server."""

from __future__ import annotations

import itertools
import os
import uuid
from pathlib import Path

import msgspec
import pytest
import trio

from reconciler.errors import Exists, Forbidden, Missing, Refused, ServerFault
from reconciler.model import Conflict, Direction, Mode
from syncin_mount.devserver import DevServer, Reply, Rule, Share, Space, User, serve
from syncin_mount.remote import Folder, ServerAccount, Session, register
from syncin_mount.remote.browse import make_folder, restore, trash_bins, trash_items, tree
from syncin_mount.remote.registrations import delete_path, may_change, register_path, update_paths
from syncin_mount.remote.remote_paths import sync_path, web_path
from tests.server.support import PASSWORD, Memory, World, get, listed, put, settings


async def test_settings_come_and_go(world: World) -> None:
    session = world.session
    known = await register_path(session, settings("personal/x"))
    assert may_change(known.permissions)
    mine = msgspec.structs.replace(
        settings("personal/x"), id=known.id, name="renamed", timestamp=1800000000
    )
    changes = await update_paths(session, [mine])
    assert [path.id for path in changes.add] == [world.folder._id]
    assert changes.delete == []
    (other,) = changes.add
    assert (other.remote_path, other.mode, other.local_path) == (
        "personal/x",
        Direction.BOTH,
        "/home/user1/x",
    )
    older = msgspec.structs.replace(mine, name="older", timestamp=1)
    updates = (await update_paths(session, [older])).update
    assert {update.id for update in updates} == {known.id}
    assert updates[0].name == "renamed"
    await delete_path(session, known.id)
    with pytest.raises(Refused):
        await delete_path(session, known.id)


async def test_the_embedded_server_takes_every_setting_and_tells_it_again(world: World) -> None:
    session = world.session
    known = await register_path(session, settings("personal/x"))
    choices = itertools.product(Direction, Mode, Conflict)
    for number, (direction, mode, conflict) in enumerate(choices, 1):
        mine = msgspec.structs.replace(
            settings("personal/x"),
            id=known.id,
            mode=direction,
            diff_mode=mode,
            conflict_mode=conflict,
            timestamp=1_800_000_000 + number,
        )
        assert not (await update_paths(session, [mine])).update
        older = msgspec.structs.replace(settings("personal/x"), id=known.id, name="y", timestamp=1)
        found = older
        for told in (await update_paths(session, [older])).update:
            found = msgspec.structs.replace(
                found,
                mode=found.mode if told.mode is msgspec.UNSET else told.mode,
                diff_mode=found.diff_mode if told.diff_mode is msgspec.UNSET else told.diff_mode,
                conflict_mode=found.conflict_mode
                if told.conflict_mode is msgspec.UNSET
                else told.conflict_mode,
            )
        assert (found.mode, found.diff_mode, found.conflict_mode) == (direction, mode, conflict)


async def test_what_cannot_be_synchronized(world: World) -> None:
    (world.disk / "file").write_bytes(b"")
    cases: list[tuple[str, type[Exception], str]] = [
        ("personal", Refused, "subdirectory"),
        ("personal/x/file", Refused, "directory"),
        ("personal/nope", Missing, "There is no folder 'personal/nope'"),
        ("spaces/none/x", Missing, "not there"),
        ("personal/../x", Refused, "cannot be sent"),
    ]
    for path, error, says in cases:
        with pytest.raises(error, match=says):
            await register_path(world.session, settings(path))
    world.dev.faults.rules.append(Rule(Reply(500), path="/api/app/sync/paths/*"))
    with pytest.raises(ServerFault):
        await register_path(world.session, settings("personal/x"))


async def test_picking_a_folder(world: World) -> None:
    session = world.session
    assert [item.path for item in await tree(session)] == ["personal", "spaces", "shares"]
    await make_folder(session, "personal/x/new é")
    with pytest.raises(Exists):
        await make_folder(session, "personal/x/new é")
    with pytest.raises(Missing):
        await make_folder(session, "personal/x/no/parent")
    with pytest.raises(Refused):
        await make_folder(session, "personal/x/a:b")
    with pytest.raises(Refused):
        await make_folder(session, "personal")
    (world.disk / "f").write_bytes(b"")
    (top,) = await tree(session, "personal")
    assert (top.path, top.is_folder, top.has_children, top.permissions) == (
        "personal/x",
        True,
        True,
        "a:d:m:si:so",
    )
    assert [item.path for item in await tree(session, "personal/x")] == ["personal/x/new é"]
    assert {item.name for item in await tree(session, "personal/x", files=True)} == {"f", "new é"}
    for path, error in (
        ("personal/none", Missing),
        ("elsewhere/x", Refused),
        ("personal/../x", Refused),
    ):
        with pytest.raises(error):
            await tree(session, path)


async def test_the_trash(world: World) -> None:
    await put(world.folder, "d/f", b"one")
    await world.folder.delete("d/f")
    assert [trash.alias for trash in await trash_bins(world.session)] == ["personal"]
    assert [item.name for item in await trash_items(world.session, "personal")] == ["x"]
    (item,) = await trash_items(world.session, "personal/x/d")
    assert (item.name, item.is_dir, item.size) == ("f", False, 3)
    await put(world.folder, "d/f", b"two")
    with pytest.raises(Exists):
        await restore(world.session, "personal/x/d/f", "personal/x/d/f")
    await restore(world.session, "personal/x/d/f", "personal/x/d/back")
    assert await get(world.folder, "d/back") == b"one"
    with pytest.raises(Missing):
        await restore(world.session, "personal/x/d/f", "personal/x/d/again")


async def test_spaces_and_shares(tmp_path: Path, nursery: trio.Nursery) -> None:
    """The two names of a path: all of a folder's work in a space and in a share."""
    every = {"user1": "a:d:m:si:so", "user2": "a:d:m"}
    dev = DevServer(
        tmp_path,
        [User(login="user1", password=PASSWORD), User(login="user2", password=PASSWORD)],
        spaces=[Space(alias="team", members=every)],
        shares=[
            Share(alias="both", owner="user1", path="shared", members={"user2": "a:d:m"}),
            Share(alias="look", owner="user1", path="shared", members={"user2": ""}),
        ],
    )
    (dev.files_of("user1") / "shared").mkdir(exist_ok=True)
    (dev.space_files("team") / "dir").mkdir()
    running = await nursery.start(serve, dev)
    client = str(uuid.uuid4())
    store = Memory(await register(running.url, "user2", PASSWORD, None, client))
    async with Session(ServerAccount("home", running.url, "user2", client), store) as session:
        assert [item.path for item in await tree(session, "spaces")] == ["spaces/team"]
        assert [item.path for item in await tree(session, "spaces/team")] == ["spaces/team/dir"]
        assert sorted(item.path for item in await tree(session, "shares")) == [
            "shares/both",
            "shares/look",
        ]
        for remote, disk in (
            ("spaces/team/dir", dev.space_files("team") / "dir"),
            ("shares/both", dev.files_of("user1") / "shared"),
        ):
            known = await register_path(session, settings(remote))
            folder = Folder(session, remote, known.id)
            await put(folder, "a/f", b"x")
            await folder.move("a/f", "a/g")
            await put(folder, "h", b"y")
            with pytest.raises(Exists):
                await folder.move("h", "a/g")
            assert list(await listed(folder)) == ["a", "a/g", "h"]
            await folder.delete("a")
            assert os.listdir(disk) == ["h"]
        look = await register_path(session, settings("shares/look"))
        assert not may_change(look.permissions)
        with pytest.raises(Forbidden):
            await put(Folder(session, "shares/look", look.id), "f", b"x")
        await trash_items(session, "spaces/team")
        with pytest.raises(Refused, match="owner"):
            await trash_items(session, "shares/both")
    dev.close()


@pytest.mark.parametrize(
    ("sync", "web"),
    [
        ("personal", "files/personal"),
        ("personal/a/b", "files/personal/a/b"),
        ("spaces/team/a", "files/team/a"),
        ("shares", "shares"),
        ("shares/s/a", "shares/s/a"),
    ],
)
def test_both_names_of_a_path(sync: str, web: str) -> None:
    assert web_path(sync) == web
    assert sync_path(web) == sync
