"""``check`` and ``check --repair``: each kind of damage, done to a real replica as a kill left it,
and random ones.

What must hold after a repair: every byte that the files of contents and bin have is in the tree or
in the bin; nothing counts as deleted by the user that was not; ``check`` is clean, and a second
repair finds nothing to do.

This file is long because every kind of damage is done to the same replica, which is described at
its beginning.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.model import ROOT, NodeId
from syncin_mount import system
from syncin_mount.app.messages import sentence
from syncin_mount.store import (
    JournalDamaged,
    NewerFormat,
    NodeType,
    Replica,
    ReplicaError,
    ReplicaInUse,
    check,
)
from syncin_mount.store.index.index import Index
from syncin_mount.store.maintenance import repair as repairing
from syncin_mount.store.maintenance.repair import Repaired, repair
from syncin_mount.store.records import FORMAT, Unlink, decode_node, encode, key
from syncin_mount.store.recovery import salvage
from syncin_mount.store.recovery.lmdb_pages import IndexFile
from syncin_mount.store.recovery.repair_swap import REPAIRING
from syncin_mount.system import boot_id
from tests.store.support import (
    SECOND,
    arrive,
    at,
    attr,
    base_of,
    copy_of,
    kill,
    make,
    open_replica,
    pick_bin,
    place,
    read,
    settle,
    tree,
    write,
)


def bytes_of(text: str) -> bytes:
    """Content that no other file has."""
    return random.Random(text).randbytes(200 + len(text))


def build(folder: Path) -> None:
    """A replica with some of everything, killed at work: sent and unsent files, edits, deletions,
    absent contents, links, attributes, entries of the bin, effects that wait, events that are in
    the journal alone."""
    replica = open_replica(folder, boot_id=boot_id())
    for name in ("d", "d/e", "f"):
        make(replica, name, NodeType.FOLDER)
    for number in range(40):
        make(
            replica,
            f"{('', 'd/', 'd/e/', 'f/')[number % 4]}sent {number}",
            data=bytes_of(f"sent {number}"),
        )
    make(replica, "link", NodeType.SYMLINK)
    make(replica, "empty")
    for name, other in (
        ("sent 20", b"second 20"),
        ("sent 24", b"second 24"),
        ("link", b"second link"),
    ):
        replica.link(at(replica, name), ROOT, other)
    settle(replica, *(node.node for node in replica.dirty()))
    replica.close()  # from here on the journal alone does not tell everything any more
    replica = open_replica(folder, boot_id=boot_id())
    replica.set_xattr(at(replica, "sent 0"), b"user.x", b"value")
    for name in ("absent 1", "absent 2"):
        base = dataclasses.replace(
            base_of(replica, at(replica, "sent 0"), 5000 + len(name)), name=name, size=77
        )
        replica.place_file(replica.new_id(), base)
    replica.delete_local(at(replica, "sent 4"), keep=True, why="lost a conflict")
    replica.commit()
    write(replica, at(replica, "sent 8"), bytes_of("edited"), mtime_ns=1_650_000_000 * SECOND)
    replica.unlink(*place(replica, "d/sent 1"))
    replica.rename(*place(replica, "f"), *place(replica, "d/e/moved"))
    make(replica, "new", data=bytes_of("new"))
    replica.link(at(replica, "new"), at(replica, "d"), b"second new")
    write(
        replica,
        at(replica, "second 24"),
        bytes_of("edited by its other name"),
        mtime_ns=1_650_000_001 * SECOND,
    )
    replica.commit()
    make(replica, "last", data=bytes_of("last"))
    replica.link(at(replica, "last"), ROOT, b"second last")
    replica.set_xattr(at(replica, "second last"), b"user.y", b"value")
    document = at(replica, "sent 12")
    changed = dataclasses.replace(base_of(replica, document), size=60, mtime=1_660_000_000)
    arrive(replica, document, changed, b"s" * 60, keep=True)
    kill(replica)


@dataclass(frozen=True)
class Control:
    """What a plain start makes of the undamaged replica."""

    contents: frozenset[bytes]
    tree: dict[str, bytes | None]
    deleted: frozenset[NodeId]
    bases: int


def holds(replica: Replica) -> frozenset[bytes]:
    """Every content that is not empty, in the tree and in the bin."""
    found = [content for _, content in tree(replica)] + [
        content for _, content in pick_bin(replica)
    ]
    return frozenset(content for content in found if content)


def deleted(replica: Replica) -> frozenset[NodeId]:
    """What the next run would delete on the server."""
    return frozenset(one.node for one in replica.dirty() if replica.local(one.node) is None)


def lying(folder: Path) -> frozenset[bytes]:
    """Every content that the files of a replica have."""
    places = (folder / "objects", folder / "bin")
    files = [
        path for top in places if top.exists() for path in top.rglob("*") if not path.is_symlink()
    ]
    return frozenset(
        p.read_bytes() for p in files if p.is_file() and p.suffix != ".json" and p.stat().st_size
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "docs"
    build(folder)
    return folder


@pytest.fixture(scope="module")
def control(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Control:
    replica = Replica.open(copy_of(original, tmp_path_factory.mktemp("control") / "docs"))
    assert check(replica) == []
    found = Control(holds(replica), dict(tree(replica)), deleted(replica), replica.base_count())
    replica.close()
    assert len(found.contents) > 40
    assert len(found.deleted) == 1
    return found


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return copy_of(original, tmp_path / "docs")


def repaired(folder: Path, control: Control) -> Repaired:
    """Repairs, and sees to what must hold whatever was damaged."""
    there = lying(folder)
    undamaged = lying(folder) & control.contents
    was_damaged = {path.read_bytes() for path in damaged_objects(folder)}
    done = repair(folder)
    assert done.left == []
    replica = Replica.open(folder)
    assert check(replica) == []
    found = holds(replica)
    gone = (undamaged | (was_damaged & there)) - found
    assert not gone, f"{len(gone)} contents are nowhere"
    assert deleted(replica) <= (frozenset() if done.bases_ended else control.deleted)
    replica.close()
    assert repair(folder) == Repaired()
    return done


def damaged_objects(folder: Path) -> list[Path]:
    """What a test changed, by the mark that it left."""
    mark = folder.parent / "damaged"
    return (
        [path for path in map(Path, mark.read_text().splitlines()) if path.exists()]
        if mark.exists()
        else []
    )


def data(folder: Path) -> Path:
    return folder / "index" / "data.mdb"


def segment(folder: Path) -> Path:
    [found] = (folder / "journal").iterdir()
    return found


def object_of(folder: Path, content: bytes) -> Path:
    [found] = [path for path in (folder / "objects").rglob("*-*") if path.read_bytes() == content]
    return found


def change(path: Path, what: Callable[[bytearray], object]) -> None:
    text = bytearray(path.read_bytes())
    what(text)
    path.write_bytes(text)


def test_nothing_to_repair(folder: Path, control: Control) -> None:
    assert repaired(folder, control) == Repaired()
    assert not (folder / "damaged").exists()
    replica = Replica.open(folder)
    assert dict(tree(replica)) == control.tree
    replica.close()


def test_names_of_one_file_stay_names_of_one_file(folder: Path, control: Control) -> None:
    """Whatever of the index has to be made anew."""
    index = Index(folder / "index", 1 << 28)
    for table in (index.links, index.inos, index.entries):
        index.txn.drop(table, delete=False)
    index.commit()
    index.close()
    repaired(folder, control)
    replica = Replica.open(folder)
    for name, other in (
        ("sent 20", "second 20"),
        ("sent 24", "second 24"),
        ("new", "d/second new"),
    ):
        assert attr(replica, at(replica, name)).ino == attr(replica, at(replica, other)).ino, name
        assert attr(replica, at(replica, name)).nlink == 2
    write(replica, at(replica, "new"), b"of both")
    assert read(replica, at(replica, "d/second new")) == b"of both"
    replica.close()


@pytest.mark.parametrize("how", ["shorter", "gone"])
@pytest.mark.parametrize("name", ["sent 20", "sent 24", "new", "last"])
def test_a_damaged_content_of_several_names(
    folder: Path, control: Control, name: str, how: str
) -> None:
    content = control.tree[name]
    assert content is not None
    path = object_of(folder, content)
    if how == "gone":
        path.unlink()
    else:
        os.truncate(path, 10)
    repaired(folder, control)


# the index ----------------------------------------------------------------------------------------


def cut(folder: Path) -> None:
    """Leaves a third of the pages in use. (The file may be longer: on Windows it has the map's
    size.)"""
    os.truncate(data(folder), IndexFile(data(folder)).used_bytes() // 3)


def garbage(folder: Path) -> bytearray:
    """Damages a page of nodes; what the file is then."""
    chance = random.Random(1)
    index, file = bytearray(data(folder).read_bytes()), IndexFile(data(folder))
    assert dict(file.table("nodes"))
    page = next(
        4096 * each
        for each in sorted(file._seen)
        if b"sent 20" in index[4096 * each : 4096 * (each + 1)]
    )
    index[page + 64 : page + 4096] = chance.randbytes(4032)
    del file  # Windows shortens nothing that is mapped
    data(folder).write_bytes(index)
    return index


def empty(folder: Path) -> None:
    os.truncate(data(folder), 0)


def gone(folder: Path) -> None:
    data(folder).unlink()


def no_first_pages(folder: Path) -> None:
    change(data(folder), lambda text: text.__setitem__(slice(0, 8192), bytes(8192)))


@pytest.mark.parametrize("damage", [cut, empty, gone, no_first_pages])
def test_a_start_refuses_a_damaged_index(
    folder: Path, control: Control, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    before = {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }
    with pytest.raises(ReplicaError) as refused:
        Replica.open(folder)
    way_out = "; nothing was changed: 'syncin-mount check docs --repair' saves"
    assert way_out in sentence(refused.value)
    assert before == {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }
    done = repaired(folder, control)
    assert done.bases_ended
    assert done.aside is not None
    assert (done.aside / "journal").is_dir()


@pytest.mark.usefixtures("control")
def test_a_small_index_is_looked_through_however_long_its_file_is(folder: Path) -> None:
    garbage(folder)
    os.truncate(data(folder), 16 << 20)
    with pytest.raises(ReplicaError, match="is damaged"):
        salvage.refuse_damaged(folder)


def test_an_index_of_which_nothing_is_left(folder: Path, control: Control) -> None:
    """Then no content has a name: all of them are in one entry of the bin, and the next run brings
    the tree back."""
    empty(folder)
    done = repaired(folder, control)
    replica = Replica.open(folder)
    assert dict(tree(replica)) == {}
    [*_, entry] = replica.bin.entries()
    assert entry.name == b"found by check --repair"
    assert entry.files >= 40
    assert replica.base_count() == 0
    assert replica.sequence() > int(done.aside.name if done.aside else 0)
    replica.close()


def test_a_garbage_page_of_nodes(folder: Path, control: Control) -> None:
    """What can be read stays where it is."""
    index = garbage(folder)
    assert any("is damaged" in each.what for each in check(folder))
    done = repaired(folder, control)
    assert done.aside is not None
    assert (done.aside / "index" / "data.mdb").read_bytes() == index


def test_marks_and_counters_are_made_anew(folder: Path, control: Control) -> None:
    """As it is not known which of two that differ is right, no base is trusted; contents and names
    stay."""
    Replica.open(folder).close()
    index = Index(folder / "index", 1 << 30)
    for table in (index.dirty, index.inodes, index.base_entries, index.absent):
        place, _ = next(iter(index.txn.cursor(db=table)))
        index.txn.delete(place, db=table)
    index.mark(index.writing, 7)
    root = decode_node(index.txn.get(key(1), db=index.nodes) or b"")
    root.links = 99
    index.put_node(1, root)
    index.next_id = 5
    index.commit()
    index.close()
    done = repaired(folder, control)
    assert done.bases_ended
    replica = Replica.open(folder)
    assert dict(tree(replica)) == {
        path: content for path, content in control.tree.items() if "absent" not in path
    }
    replica.close()


def test_only_derived_tables_damaged_keeps_the_bases(folder: Path, control: Control) -> None:
    Replica.open(folder).close()
    index = Index(folder / "index", 1 << 30)
    index.txn.delete(next(iter(index.txn.cursor(db=index.inodes)))[0], db=index.inodes)
    index.mark(index.unsynced, 99_999, key(1))
    root = decode_node(index.txn.get(key(1), db=index.nodes) or b"")
    root.links = 99
    index.put_node(1, root)
    index.commit()
    index.close()
    done = repaired(folder, control)
    assert done.said
    assert not done.bases_ended
    replica = Replica.open(folder)
    assert (dict(tree(replica)), deleted(replica), replica.base_count()) == (
        control.tree,
        control.deleted,
        control.bases,
    )
    replica.close()


def test_a_node_that_is_lost_is_no_deletion(folder: Path, control: Control) -> None:
    """Its base would have it deleted on the server."""
    Replica.open(folder).close()
    index = Index(folder / "index", 1 << 30)
    node = index.entry(1, b"sent 20")
    assert node is not None
    index.txn.delete(key(node), db=index.nodes)
    index.commit()
    index.close()
    done = repaired(folder, control)
    assert done.bases_ended


def test_an_effect_that_would_remove_a_living_content_is_not_done(
    folder: Path, control: Control
) -> None:
    Replica.open(folder).close()
    index = Index(folder / "index", 1 << 30)
    node = index.entry(1, b"new")
    assert node is not None
    record = index.node(node)
    assert record is not None
    index.txn.put(
        key(3) + b"\0\0\0\1", encode(Unlink(record.owner, record.number)), db=index.effects
    )
    index.commit()
    index.close()
    done = repaired(folder, control)
    assert any("about to be removed" in each for each in done.said)


# the journal --------------------------------------------------------------------------------------


def test_a_journal_that_is_damaged_in_the_middle(folder: Path, control: Control) -> None:
    """The name of a file that was made after the last commit: it is in its content's record no
    more."""
    at_byte = segment(folder).read_bytes().rindex(b"last")
    change(segment(folder), lambda text: text.__setitem__(at_byte, text[at_byte] ^ 1))
    with pytest.raises(JournalDamaged) as refused:
        Replica.open(folder)
    assert "'syncin-mount check docs --repair' saves what is there" in sentence(refused.value)
    done = repaired(folder, control)
    assert done.bases_ended
    assert any("the journal is damaged behind event" in each for each in done.said)


def test_a_damaged_record_that_is_in_the_index_already_is_harmless(
    folder: Path, control: Control
) -> None:
    change(segment(folder), lambda text: text.__setitem__(30, text[30] ^ 1))
    copy = copy_of(folder, folder.parent / "copy")
    done = repaired(folder, control)
    assert not done.bases_ended
    for each in (folder, copy):
        replica = Replica.open(each)
        assert dict(tree(replica)) == control.tree
        replica.close()


def test_a_missing_journal(folder: Path, control: Control) -> None:
    shutil.rmtree(folder / "journal")
    repaired(folder, control)


def test_a_journal_that_ends_before_the_index(folder: Path, control: Control) -> None:
    os.truncate(segment(folder), 0)
    segment(folder).rename(folder / "journal" / f"{1:020d}.log")
    done = repaired(folder, control)
    assert done.bases_ended


# contents -----------------------------------------------------------------------------------------


def test_a_missing_content_comes_back_from_the_server(folder: Path, control: Control) -> None:
    object_of(folder, bytes_of("sent 16")).unlink()
    done = repaired(folder, control)
    assert any("sent 16 is missing: the server's version comes back" in each for each in done.said)
    assert not done.bases_ended
    replica = Replica.open(folder)
    assert at(replica, "sent 16") in replica.absent()
    assert not any(one.node == at(replica, "sent 16") for one in replica.dirty())
    replica.close()


def test_a_missing_content_that_nobody_else_has(folder: Path, control: Control) -> None:
    object_of(folder, bytes_of("new")).unlink()
    done = repaired(folder, control)
    assert any(
        "the content of new is missing, and the server is not known to have it" in each
        for each in done.said
    )
    replica = Replica.open(folder)
    assert replica.lookup(ROOT, b"new") is None
    replica.close()


@pytest.mark.parametrize("of", ["sent 16", "new", "edited"])
def test_a_content_of_another_size(folder: Path, control: Control, of: str) -> None:
    """Sent and untouched: the server's version comes back, and what is here goes to the bin. Else
    it is the user's."""
    path = object_of(folder, bytes_of(of))
    os.truncate(path, 50)
    (folder.parent / "damaged").write_text(str(path))
    done = repaired(folder, control)
    assert not done.bases_ended
    replica = Replica.open(folder)
    node = at(replica, {"edited": "sent 8"}.get(of, of))
    if of == "sent 16":
        assert node in replica.absent()
        assert bytes_of(of)[:50] in [content for _, content in pick_bin(replica)]
    else:
        assert read(replica, node) == bytes_of(of)[:50]
        assert attr(replica, node).size == 50
        assert any(one.node == node for one in replica.dirty())
    replica.close()


def test_a_content_that_nothing_refers_to(folder: Path, control: Control) -> None:
    Replica.open(folder).close()
    stray = folder / "objects" / "07" / "900-7"
    stray.write_bytes(b"whose is this?")
    (folder.parent / "damaged").write_text(str(stray))
    done = repaired(folder, control)
    assert any("nothing refers to the content 900-7" in each for each in done.said)
    assert not done.bases_ended


def test_missing_folders(folder: Path, control: Control) -> None:
    shutil.rmtree(folder / "objects" / "05")
    shutil.rmtree(folder / "incoming")
    repaired(folder, control)
    assert (folder / "objects" / "05").is_dir()


# the bin and the rest -----------------------------------------------------------------------------


def test_an_entry_of_the_bin_that_the_index_forgot(folder: Path, control: Control) -> None:
    replica = Replica.open(folder)
    entry, *_ = replica.bin.entries()
    replica.close()
    index = Index(folder / "index", 1 << 30)
    index.txn.delete(key(entry.sequence), db=index.bin)
    index.commit()
    index.close()
    done = repaired(folder, control)
    assert not done.bases_ended
    replica = Replica.open(folder)
    assert entry in replica.bin.entries()
    replica.close()


def test_an_entry_of_the_bin_without_index_and_description(folder: Path, control: Control) -> None:
    replica = Replica.open(folder)
    entry, *_ = replica.bin.entries()
    replica.close()
    (folder / "bin" / f"{entry.sequence}.json").write_text("{")
    empty(folder)
    repaired(folder, control)
    replica = Replica.open(folder)
    [again] = [one for one in replica.bin.entries() if one.sequence == entry.sequence]
    assert (again.name, again.files, again.size) == (entry.name, 1, entry.size)
    replica.bin.restore(entry.sequence, ROOT, b"restored")
    replica.close()


def test_a_lost_format_number(folder: Path, control: Control) -> None:
    (folder / "format").write_text("garbage")
    repaired(folder, control)


def test_a_boot_id_that_is_no_text(folder: Path) -> None:
    """It counts as a power cut: what the server has may be fetched anew, and nothing else is
    touched."""
    (folder / "running").write_bytes(bytes([0xA9]) * 30)
    assert repair(folder).left == []
    replica = Replica.open(folder)
    assert {bytes_of("new"), bytes_of("edited"), bytes_of("last")} <= holds(replica)
    replica.close()


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_in_the_format_number(folder: Path, control: Control, bit: int) -> None:
    Replica.open(folder).close()
    flipped = bytes([ord(str(FORMAT)) ^ 1 << bit])
    (folder / "format").write_bytes(flipped + b"\n")
    if flipped.isdigit() and int(flipped) < FORMAT:  # every format holds what those before it hold
        replica = Replica.open(folder)
        assert holds(replica) >= control.contents
        replica.close()
        assert (folder / "format").read_text() == f"{FORMAT}\n"
        return
    way_out = "puts it right" if flipped.isdigit() else "saves what is there"
    with pytest.raises(ReplicaError) as refused:
        Replica.open(folder)
    assert f"'syncin-mount check docs --repair' {way_out}" in sentence(refused.value)
    repaired(folder, control)


def test_a_format_number_that_is_gone(folder: Path, control: Control) -> None:
    (folder / "format").unlink()
    with pytest.raises(ReplicaError) as refused:
        Replica.open(folder)
    assert "'syncin-mount check docs --repair' saves what is there" in sentence(refused.value)
    repaired(folder, control)


def test_a_later_format_is_left_alone(folder: Path) -> None:
    (folder / "format").write_text("99\n")
    with pytest.raises(NewerFormat):
        repair(folder)


def test_what_is_no_replica_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "letter").write_text("dear")
    with pytest.raises(ReplicaError, match="no replica"):
        repair(tmp_path / "docs")
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["letter"]


def test_a_replica_in_use_is_refused(folder: Path) -> None:
    replica = Replica.open(folder)
    with pytest.raises(ReplicaInUse, match="is in use by process"):
        repair(folder)
    replica.close()


class Stopped(Exception):
    """The process ends here."""


@pytest.mark.parametrize("stop", range(8))
def test_a_repair_that_is_killed_is_taken_up(
    folder: Path, control: Control, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """Before each change of a name: a start then refuses as before, or finds the repair done."""
    cut(folder)
    left = [stop]

    def step(real: Callable[..., object]) -> Callable[..., object]:
        def passed(*arguments: object, **named: object) -> object:
            if left[0] == 0:
                raise Stopped
            left[0] -= 1
            return real(*arguments, **named)

        return passed

    with monkeypatch.context() as patch:
        for owner, name in ((system, "replace"), (Path, "mkdir"), (Path, "unlink")):
            patch.setattr(owner, name, step(getattr(owner, name)))
        with pytest.raises(Stopped):
            repairing._rebuild(folder, Repaired(), 1)
    if (folder / REPAIRING).exists():
        Replica.open(folder).close()
        assert not (folder / REPAIRING).exists()
    else:
        with pytest.raises(ReplicaError, match="is damaged"):
            Replica.open(folder)
    repaired(folder, control)


# anything -----------------------------------------------------------------------------------------


def any_damage(folder: Path, chance: random.Random) -> str:
    """One damage to one file: what it was, for a failing seed."""
    # a wrong boot id is a power cut, which has its own tests
    apart = ("lock", "reserve", "history", "running")
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(apart)
    ]
    index = [data(folder)] * (len(files) // 2)
    path = chance.choice(
        [path for path in files + index if path.exists()]
        + list((folder / "journal").iterdir()) * 10
    )
    text = bytearray(path.read_bytes())
    kind = chance.choice(("bits", "zeros", "garbage", "cut", "gone", "page"))
    if kind == "gone" or not text:
        path.unlink()
    elif kind == "cut":
        os.truncate(path, chance.randrange(len(text)))
    elif kind == "page" and len(text) > 8192:
        one, other = (chance.randrange(len(text) // 4096) * 4096 for _ in range(2))
        text[one : one + 4096] = text[other : other + 4096]
        path.write_bytes(text)
    else:
        start = chance.randrange(len(text))
        length = min(chance.choice((1, 1, 10, 500, 5000)), len(text) - start)
        new = {"zeros": bytes(length), "garbage": chance.randbytes(length)}.get(kind)
        text[start : start + length] = (
            new if new is not None else bytes(each ^ 4 for each in text[start:][:length])
        )
        path.write_bytes(text)
    if "objects" in path.parts and path.exists():
        with (folder.parent / "damaged").open("a") as mark:
            mark.write(f"{path}\n")
    return f"{kind} {path.relative_to(folder)}"


RUNS = int(os.environ.get("SYNCIN_REPAIRS", "40"))


@pytest.mark.timeout(600)
def test_any_damage(original: Path, control: Control, tmp_path: Path) -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)
        place = tmp_path / str(seed)
        place.mkdir()
        folder = copy_of(original, place / "docs")
        if chance.random() < 0.5:  # at rest
            Replica.open(folder).close()
        done = [any_damage(folder, chance) for _ in range(chance.choice((1, 1, 2, 3)))]
        try:
            repaired(folder, control)
        except Exception as error:
            raise AssertionError(f"seed {seed} ({', '.join(done)})") from error
        shutil.rmtree(place)


def test_the_description_in_the_bin_is_whole(folder: Path, control: Control) -> None:
    empty(folder)
    repaired(folder, control)
    replica = Replica.open(folder)
    for entry in replica.bin.entries():
        told = json.loads((folder / "bin" / f"{entry.sequence}.json").read_text())
        assert told["name"] == os.fsdecode(entry.name)
    replica.close()
