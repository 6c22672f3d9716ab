"""A replica with some of everything, as each way of ending leaves it."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from pathlib import Path

from reconciler.model import NodeId
from syncin_mount import system
from syncin_mount.store import NodeType, Replica
from tests.store.support import SECOND, arrive, at, attr, base_of, kill, make, place, settle, write

STATES = ("killed", "clean", "power cut")
SENT = 30


def bytes_of(text: str) -> bytes:
    """Content that no other file has."""
    return random.Random(text).randbytes(200 + len(text))


def build(folder: Path, state: str) -> None:
    """Sent and unsent files, edits, deletions, absent contents, links, attributes, entries of the
    bin, effects that wait, something on its way, a history, events that are in the journal alone;
    contents have checksums."""
    boot = system.boot_id()
    replica = Replica.open(folder, boot_id=boot, reserve_bytes=4096)
    for name in ("d", "d/e", "f"):
        make(replica, name, NodeType.FOLDER)
    for number in range(SENT):
        make(
            replica,
            f"{('', 'd/', 'd/e/', 'f/')[number % 4]}sent {number}",
            data=bytes_of(f"sent {number}"),
        )
    make(replica, "link", NodeType.SYMLINK)
    make(replica, "empty")
    settle(replica)
    replica.close()
    replica = Replica.open(folder, boot_id=boot, reserve_bytes=4096)
    replica.begin_run()
    replica.set_xattr(at(replica, "sent 0"), b"user.x", b"value")
    for name in ("absent 1", "absent 2"):
        base = dataclasses.replace(
            base_of(replica, at(replica, "sent 0"), 5000 + len(name)), name=name, size=9000
        )
        node = replica.new_id()
        replica.place_file(node, base)
        arriving = replica.incoming(node, base.size, base.mtime)
        arriving.write(0, b"x" * 4096)
        arriving.close()
    replica.delete_local(at(replica, "sent 4"), keep=True, why="lost a conflict")
    replica.commit()
    write(replica, at(replica, "sent 8"), bytes_of("edited"), mtime_ns=1_650_000_000 * SECOND)
    replica.unlink(*place(replica, "d/sent 1"))
    replica.rename(*place(replica, "f"), *place(replica, "d/e/moved"))
    for number in range(6):
        make(replica, f"new {number}", data=bytes_of(f"new {number}"))
    replica.commit()
    replica.unlink(*place(replica, "new 5"))
    make(replica, "last", data=bytes_of("last"))
    document = at(replica, "sent 12")
    changed = dataclasses.replace(base_of(replica, document), size=60, mtime=1_660_000_000)
    arrive(replica, document, changed, b"s" * 60, keep=True)
    count(replica)
    (folder / "patrol").write_text('{"next": 3, "began_ns": 5}\n')
    if state == "clean":
        replica.close()
        return
    if state == "power cut":
        replica.committer.sync_files()
        replica.durability.mark_synced(replica.durability.unsynced_contents())
    kill(replica)
    if state == "power cut":
        (folder / "running").write_text("another boot\n")


def count(replica: Replica) -> None:
    """Every content has a checksum."""
    counted = []
    for node in replica.contents.contents_from(0):
        found = attr(replica, node)
        content = replica.open_content(node)
        with open(content.fd, "rb", closefd=False) as file:
            digest = hashlib.new("sha512_256", file.read()).hexdigest()
        content.close()
        counted.append((NodeId(node), found.version, digest))
    replica.counted(counted)
