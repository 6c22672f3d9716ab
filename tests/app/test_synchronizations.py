"""Synchronizations are added, edited, enabled and removed by calls that ask nothing and print
nothing; what was confirmed is checked again when it is done."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import trio

from reconciler.errors import RemoteError
from reconciler.model import ROOT, Direction, Mode
from syncin_mount.app.accounts.remote_folders import Objection, Unsuited, browse, find_folder
from syncin_mount.app.drives.unmounted import open_replica
from syncin_mount.app.errors import (
    CannotImport,
    ConfirmedOtherwise,
    MountpointHoldsFiles,
    NoRemoteFolder,
    NotEnoughRoom,
    NotPossible,
    WouldLose,
)
from syncin_mount.app.messages import sentence
from syncin_mount.app.synchronizations.addition import (
    NotTakenBack,
    add,
    new_synchronization,
    preview_addition,
)
from syncin_mount.app.synchronizations.editing import Edits, edit
from syncin_mount.app.synchronizations.enabling import disable, enable
from syncin_mount.app.synchronizations.importing import import_files
from syncin_mount.app.synchronizations.removal import keep_copy, only_here, remove
from syncin_mount.config import ConfigurationFile, Folders, Synchronization
from syncin_mount.devserver import Reply, Rule
from syncin_mount.store.types import NodeType
from tests.cli.conftest import World
from tests.small_disk import small_disk

TROUBLE: list[object] = []


def folders_of(world: World) -> Folders:
    return Folders(world.home, world.home / "state", world.home / "run", portable=True)


def docs(world: World, **settings: object) -> Synchronization:
    new = new_synchronization("docs", "home", "personal/docs", world.drive)
    # the caller names fields of Synchronization
    return replace(new, **settings)  # type: ignore[arg-type]


def configured(world: World) -> dict[str, Synchronization]:
    return dict(ConfigurationFile(folders_of(world)).read().synchronizations)


def registered(world: World) -> int:
    return len(world.dev.store.state.paths)


@pytest.fixture
async def folders(world: World) -> Folders:
    await world.log_in()
    return folders_of(world)


# --- adding ---------------------------------------------------------------------------------------


async def test_a_synchronization_is_registered_and_remembered(world: World, folders: Folders):
    (world.disk / "a").write_bytes(bytes(5000))
    added = await add(folders, docs(world), TROUBLE.append)
    assert configured(world)["docs"] == added.synchronization
    assert added.synchronization.path_id is not None
    assert registered(world) == 1
    assert added.room is not None
    assert (added.room.need.files, added.room.need.content_bytes) == (1, 5000)
    assert added.room.need.whole
    assert world.drive.is_dir()


async def test_a_preview_leaves_nothing_behind(world: World, folders: Folders):
    (world.disk / "a").write_bytes(bytes(5000))
    seen = await preview_addition(folders, docs(world), TROUBLE.append)
    assert seen.room is not None
    assert seen.room.need.files == 1
    assert seen.imports is None
    assert registered(world) == 0
    assert configured(world) == {}
    assert not world.drive.exists()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"remote": "personal/none"}, NoRemoteFolder),
        ({"name": "no/name"}, NotPossible),
        ({"filters": tuple(f"^{n}$" for n in range(101))}, NotPossible),
    ],
)
async def test_what_cannot_be_added_changes_nothing(
    world: World, folders: Folders, change: dict[str, object], error: type[Exception]
):
    with pytest.raises(error):
        await add(folders, docs(world, **change), TROUBLE.append)
    assert registered(world) == 0
    assert configured(world) == {}


@pytest.mark.parametrize("can_take_back", [True, False])
async def test_of_two_at_one_place_the_second_is_taken_back(
    world: World, folders: Folders, can_take_back: bool
):
    (world.disk.parent / "papers").mkdir()
    if not can_take_back:
        world.dev.faults.add(Rule(Reply(503), method="DELETE", path="*/sync/paths/*"))
    trouble: list[object] = []
    refused: list[NotPossible] = []

    async def add_it(name: str) -> None:
        new = docs(world, name=name, remote=f"personal/{name}")
        try:
            await add(folders, new, trouble.append)
        except NotPossible as error:
            refused.append(error)

    async with trio.open_nursery() as nursery:  # both look before one is remembered
        nursery.start_soon(add_it, "docs")
        nursery.start_soon(add_it, "papers")
    assert len(configured(world)) == 1
    assert [str(each) for each in refused] == [
        (
            f"the mount point {world.drive} is used by '{next(iter(configured(world)))}' already;"
            " choose another folder"
        )
    ]
    assert registered(world) == (1 if can_take_back else 2)
    assert [type(each) for each in trouble] == ([] if can_take_back else [NotTakenBack])
    assert all("account page" in sentence(each) for each in trouble)


async def test_files_are_only_imported_when_that_was_confirmed(world: World, folders: Folders):
    world.drive.mkdir()
    (world.drive / "letter").write_text("mine")
    with pytest.raises(MountpointHoldsFiles):
        await add(folders, docs(world), TROUBLE.append)
    seen = await preview_addition(folders, docs(world), TROUBLE.append, importing=True)
    assert seen.imports is not None
    assert (seen.imports.ours.count, seen.imports.differ.count) == (1, 0)
    added = await add(folders, docs(world), TROUBLE.append, confirmed=seen)
    assert [each.path for each in added.found] == [b"letter"]
    done = import_files(folders, added.synchronization)
    assert done.files == 1
    with open_replica(folders, "docs") as replica:
        assert replica is not None
        assert replica.lookup(ROOT, b"letter") is not None


@pytest.mark.parametrize("where", ["here", "there"])
async def test_an_import_that_would_lose_more_than_was_shown_is_refused(
    world: World, folders: Folders, where: str
):
    world.drive.mkdir()
    (world.drive / "letter").write_text("mine")
    new = docs(world, direction=Direction.UPLOAD)
    seen = await preview_addition(folders, new, TROUBLE.append, importing=True)
    if where == "there":
        (world.disk / "theirs").write_text("somebody's")
    else:
        (world.disk / "letter").write_text("somebody else's")
    with pytest.raises(ConfirmedOtherwise):
        await add(folders, new, TROUBLE.append, confirmed=seen)
    assert registered(world) == 0
    assert configured(world) == {}
    assert (world.drive / "letter").read_text() == "mine"
    again = await preview_addition(folders, new, TROUBLE.append, importing=True)
    await add(folders, new, TROUBLE.append, confirmed=again)


async def test_what_cannot_be_imported_is_a_value(world: World, folders: Folders):
    world.drive.mkdir()
    os.mknod(world.drive / "socket", 0o140644)
    with pytest.raises(CannotImport) as refused:
        await preview_addition(folders, docs(world), TROUBLE.append, importing=True)
    assert [each.path for each in refused.value.stuck] == [b"socket"]
    assert registered(world) == 0


async def test_a_disk_s_own_folder_is_neither_emptied_nor_added(world: World, folders: Folders):
    with small_disk(world.drive, "tmpfs", 1):
        (world.drive / "kept").write_text("on the disk")
        for importing in (True, False):
            with pytest.raises(NotPossible, match="is a mount point already"):
                await preview_addition(folders, docs(world), TROUBLE.append, importing=importing)
        assert [each.name for each in world.drive.iterdir()] == ["kept"]
        inside = docs(world, mountpoint=world.drive / "inside")
        seen = await preview_addition(folders, inside, TROUBLE.append)
        assert seen.new.mountpoint == inside.mountpoint
    assert registered(world) == 0


async def test_a_copy_that_does_not_fit_is_refused_until_somebody_agrees(
    world: World, folders: Folders
):
    with (world.disk / "big").open("wb") as file:
        file.truncate(60 << 20)
    with small_disk(folders.replicas, "tmpfs", 70):
        with pytest.raises(NotEnoughRoom) as refused:
            await add(folders, docs(world), TROUBLE.append)
        room = refused.value.room
        assert room.need.content_bytes == 60 << 20
        assert room.free_bytes <= 70 << 20
        assert "needs 76.0 MiB for 1 file" in sentence(refused.value)
        assert registered(world) == 0
        assert configured(world) == {}
        left_out = docs(world, filters=("^big$",))
        assert (await preview_addition(folders, left_out, TROUBLE.append)).room is not None
        only_up = docs(world, direction=Direction.UPLOAD)
        seen = await preview_addition(folders, only_up, TROUBLE.append)
        assert seen.room is not None
        assert seen.room.fits, "nothing is downloaded"
        words = ("--remote", "personal/docs", "--mountpoint", str(world.drive))
        said = await world.refused("add", "docs", *words, status=1)
        assert "are free" in said
        assert said.endswith("--yes")
        assert "belongs to" in await world.must("add", "docs", *words, "--yes")


async def test_files_of_another_disk_need_room_for_their_copies(world: World, folders: Folders):
    world.drive.mkdir()
    (world.drive / "big").write_bytes(bytes(60 << 20))
    seen = await preview_addition(folders, docs(world), TROUBLE.append, importing=True)
    assert seen.room is not None
    assert seen.room.needed_bytes == 0, "on one disk, copy and original change places"
    with small_disk(folders.replicas, "tmpfs", 40):
        seen = await preview_addition(folders, docs(world), TROUBLE.append, importing=True)
        assert seen.room is not None
        assert seen.room.need.content_bytes == 60 << 20
        with pytest.raises(NotEnoughRoom):
            await add(folders, docs(world), TROUBLE.append, confirmed=seen)
    assert configured(world) == {}
    assert (world.drive / "big").stat().st_size == 60 << 20


# --- removing -------------------------------------------------------------------------------------


def with_unsent(folders: Folders, name: bytes = b"only here") -> None:
    """A change in the local copy that the server does not have."""
    with open_replica(folders, "docs") as replica:
        assert replica is not None
        replica.create(ROOT, name, NodeType.FOLDER, mode=0o755, uid=0, gid=0)


async def begun(world: World) -> Folders:
    await world.add()
    await world.must("sync", "docs")
    return folders_of(world)


async def test_what_a_removal_would_lose_is_a_value(world: World, folders: Folders):
    await begun(world)
    assert not only_here(folders, "docs").is_lost
    with_unsent(folders)
    held = only_here(folders, "docs")
    assert held.is_lost
    assert held.unsent == ("only here",)
    assert held == only_here(folders, "docs"), "a look changes nothing"
    with pytest.raises(WouldLose) as refused:
        await remove(folders, "docs")
    assert refused.value.held == held
    assert list(configured(world)) == ["docs"]
    gone = await remove(folders, "docs", held)
    assert gone.had_copy
    assert gone.not_told is None
    assert configured(world) == {}
    assert registered(world) == 0


async def test_what_came_after_the_confirmation_is_not_lost(world: World, folders: Folders):
    await begun(world)
    with_unsent(folders)
    held = only_here(folders, "docs")
    kept = keep_copy(folders, "docs", world.base / "kept")
    assert (world.base / "kept/only here").is_dir()
    with_unsent(folders, b"later")
    for confirmed in (held, kept):
        with pytest.raises(WouldLose) as refused:
            await remove(folders, "docs", confirmed)
        assert "later" in refused.value.held.unsent
    assert folders.replica("docs").is_dir()
    assert registered(world) == 1
    await remove(folders, "docs", only_here(folders, "docs"))


async def test_a_copy_that_is_stopped_leaves_the_drive(world: World, folders: Folders):
    (world.disk / "a").write_bytes(bytes(5000))
    await begun(world)

    class Stopped(Exception):
        pass

    def stop(_files: int, size: int) -> None:
        if size:
            raise Stopped

    with pytest.raises(Stopped):
        keep_copy(folders, "docs", world.base / "kept", stop)
    assert not (world.base / "kept").exists()
    kept = keep_copy(folders, "docs", world.base / "kept")
    assert (kept.copied.files, kept.copied.bytes) == (1, 5000)


async def test_what_a_killed_removal_left_keeps_nobody_from_the_next(
    world: World, folders: Folders
):
    """In a container, each process has the same number."""
    await begun(world)
    left = folders.replicas / f".removed-docs-{os.getpid()}"
    left.mkdir()
    (left / "journal").touch()
    gone = await remove(folders, "docs", only_here(folders, "docs"))
    assert not gone.left
    assert not list(folders.replicas.iterdir())


async def test_a_copy_on_another_disk_is_deleted_with_the_link_to_it(
    world: World, folders: Folders
):
    await begun(world)
    elsewhere = world.base / "other disk"
    folders.replica("docs").rename(elsewhere)
    folders.replica("docs").symlink_to(elsewhere)
    gone = await remove(folders, "docs", only_here(folders, "docs"))
    assert not gone.left
    assert not elsewhere.exists()
    assert not list(folders.replicas.iterdir())


async def test_a_link_to_something_else_leaves_that_alone(world: World, folders: Folders):
    await begun(world)
    (world.base / "pictures").mkdir()
    (folders.replicas / ".removed-docs-1").symlink_to(world.base / "pictures")
    assert not (await remove(folders, "docs", only_here(folders, "docs"))).left
    assert (world.base / "pictures").is_dir()
    assert not list(folders.replicas.iterdir())


async def test_a_server_that_is_away_keeps_nobody_from_removing(world: World, folders: Folders):
    await begun(world)
    await world.stop()
    gone = await remove(folders, "docs", only_here(folders, "docs"))
    assert isinstance(gone.not_told, RemoteError)
    assert configured(world) == {}


# --- editing, enabling, browsing ------------------------------------------------------------------


async def test_settings_are_edited(world: World, folders: Folders):
    await begun(world)
    edits = Edits(mode=Mode.SECURE, filters=("^tmp.*",), mountpoint=world.base / "elsewhere")
    done = await edit(folders, "docs", edits)
    assert {word for word, _, _ in done.changes} == {"mode", "filters", "mountpoint"}
    assert configured(world)["docs"].mode is Mode.SECURE
    assert (world.base / "elsewhere").is_dir()
    assert not (await edit(folders, "docs", edits)).changes
    (world.base / "full").mkdir()
    (world.base / "full/file").touch()
    with pytest.raises(NotPossible):
        await edit(folders, "docs", Edits(mode=Mode.FAST, mountpoint=world.base / "full"))
    assert configured(world)["docs"].mode is Mode.SECURE


async def test_of_two_that_move_to_one_place_the_second_is_refused(world: World, folders: Folders):
    """Both look at the configuration, and then ask the server, before one of them is written."""
    await begun(world)
    (world.disk.parent / "papers").mkdir()
    papers = docs(world, name="papers", remote="personal/papers", mountpoint=world.base / "papers")
    await add(folders, papers, TROUBLE.append)
    refused: list[NotPossible] = []

    async def move(name: str) -> None:
        try:
            await edit(folders, name, Edits(mountpoint=world.base / "elsewhere"))
        except NotPossible as error:
            refused.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(move, "docs")
        nursery.start_soon(move, "papers")
    assert "is used by" in str(*refused)
    assert len({each.mountpoint for each in configured(world).values()}) == 2


async def test_it_is_disabled_and_enabled(world: World, folders: Folders):
    await begun(world)
    done = await disable(folders, "docs")
    assert (done.was_enabled, done.synchronization.enabled) == (True, False)
    assert (done.drive, done.was_there, done.is_there) == (None, False, False)
    assert not configured(world)["docs"].enabled
    again = await enable(folders, "docs")
    assert (again.was_enabled, again.synchronization.enabled) == (False, True)


async def test_folders_are_listed_level_by_level_with_why_not(world: World, folders: Folders):
    await begun(world)
    (world.disk / "in it").mkdir()
    (world.disk.parent / "free").mkdir()
    (world.disk.parent / "file").touch()
    configuration = ConfigurationFile(folders).read()
    server = configuration.servers["home"]
    top = await browse(folders, configuration, server)
    assert [each.item.path for each in top] == ["personal", "shares", "spaces"]
    assert {each.objection for each in top} == {Objection(Unsuited.ONLY_IN_PARTS)}
    level = await browse(folders, configuration, server, "personal")
    assert {each.item.name: each.objection for each in level} == {
        "docs": Objection(Unsuited.SYNCHRONIZED, "docs"),
        "free": None,
        "file": Objection(Unsuited.FILE),
    }
    [inside] = await browse(folders, configuration, server, "personal/docs")
    assert inside.objection == Objection(Unsuited.INSIDE, "docs")
    with pytest.raises(NoRemoteFolder):
        await find_folder(folders, server, "personal/none")
