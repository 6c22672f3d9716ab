"""The events of the journal: each says completely what changes, with all ids, times and numbers it
needs.

An event's own sequence number is outside it, in the frame; it serves as the new version of a
content, the number of a new content object and the name of a bin folder. ``now`` is ns since the
epoch. Tags are part of the record format.
"""

from __future__ import annotations

import msgspec

from reconciler.phrases import english
from syncin_mount.store.records import BaseRecord, LeftoverRecord


class Event(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """A change of the replica."""

    now: int


class Formatted(Event, frozen=True):
    """The replica comes into being, with its root folder."""

    mode: int
    uid: int
    gid: int


# what the user does -------------------------------------------------------------------------------


class Created(Event, frozen=True):
    """A new node of any type."""

    node: int
    parent: int
    name: bytes
    kind: int
    mode: int
    uid: int
    gid: int
    rdev: int
    target: bytes


class Linked(Event, frozen=True):
    """link(2): ``node`` is a new name of the file that ``source`` is."""

    node: int
    source: int
    parent: int
    name: bytes


class AttrsSet(Event, frozen=True):
    """Attributes were set; None leaves one as it is."""

    node: int
    mode: int | None
    uid: int | None
    gid: int | None
    atime: int | None
    mtime: int | None
    ctime: int


class WriteBegun(Event, frozen=True):
    """The content is about to change in place."""

    node: int


class Written(Event, frozen=True):
    """The content was changed and has this size and time now. ``ctime`` is None for the event's own
    moment."""

    node: int
    size: int
    mtime: int
    ctime: int | None = None


class Renamed(Event, frozen=True):
    """rename(2), the target replaced, or exchanged."""

    parent: int
    name: bytes
    new_parent: int
    new_name: bytes
    exchange: bool


class Removed(Event, frozen=True):
    """unlink(2) or rmdir(2)."""

    parent: int
    name: bytes


class XattrSet(Event, frozen=True):
    """An extended attribute was set, or removed (None)."""

    node: int
    name: bytes
    value: bytes | None


# what the reconciler does -------------------------------------------------------------------------


class BasesSet(Event, frozen=True):
    """Both sides agree on these states; None is gone on both."""

    bases: list[tuple[int, BaseRecord | None]]


class Placed(Event, frozen=True):
    """A remote file or folder appears locally, the file's content not here yet. ``base.version`` is
    not used.

    ``ino`` is its inode, 0 for that of the node: one that was here before must not get its former
    inode back, which open handles may still have.
    """

    node: int
    base: BaseRecord
    mode: int
    uid: int
    gid: int
    ino: int = 0


class Moved(Event, frozen=True):
    """The node gets another place, and with ``base`` a new base."""

    node: int
    parent: int
    name: bytes
    base: BaseRecord | None


class Touched(Event, frozen=True):
    """The node gets another mtime, and with ``base`` a new base. ``ino`` is its inode from now on.
    ``parts``: it shared its content with other nodes; the object ``node``-``<sequence>``, a copy,
    is its own from now on."""

    node: int
    mtime: int
    base: BaseRecord | None
    ino: int
    parts: bool = False


class Deleted(Event, frozen=True):
    """The node and all below it goes, to the bin with ``keep``, and the bases of all of it."""

    node: int
    keep: bool
    why: str


class TakenIn(Event, frozen=True):
    """The object ``node``-``<sequence>`` is the node's content now, ``ino`` its inode."""

    node: int
    base: BaseRecord
    ino: int
    keep: bool
    why: str


class Copied(Event, frozen=True):
    """A copy of the content was put into the bin's folder of this event."""

    node: int
    why: str


class LeftoverNoted(Event, frozen=True):
    """An upload may leave something on the server under this name in this folder; None: nothing of
    it is left."""

    parent: int
    name: bytes
    left: LeftoverRecord | None


# the store's own ----------------------------------------------------------------------------------


class Restored(msgspec.Struct, array_like=True, frozen=True):
    """One node of what comes back from the bin. ``path`` is its place inside the bin's folder."""

    node: int
    parent: int
    name: bytes
    kind: int
    mode: int
    size: int
    mtime: int
    target: bytes
    path: bytes


class BinRestored(Event, frozen=True):
    """Something comes back from the bin, as new nodes, parents first."""

    bin: int
    uid: int
    gid: int
    nodes: list[Restored]


class BinDropped(Event, frozen=True):
    """These go from the bin for good."""

    bins: list[int]


class Held(Event, frozen=True):
    """What was changed of these nodes is not to be sent for now, or (False) is to be sent again."""

    nodes: list[int]
    held: bool


class Discarded(Event, frozen=True):
    """What was changed of the node here is undone: it is at ``parent`` and ``name``, with the
    base's time, and, with ``content``, with the base's content, its own going to the bin. A deleted
    one is here again, with these attributes. ``ino`` is its inode from now on."""

    node: int
    parent: int
    name: bytes
    ino: int
    content: bool
    mode: int
    uid: int
    gid: int
    why: str


class Swept(Event, frozen=True):
    """The file effects up to this key of the table ``effects`` are done."""

    until: bytes


class Synced(Event, frozen=True):
    """The contents of these (node, version) are on the disk for sure."""

    contents: list[tuple[int, int]]


class MadeAbsent(Event, frozen=True):
    """After a power cut: the contents of these nodes are not to be trusted, and the server has
    them."""

    nodes: list[int]


class Reverted(Event, frozen=True):
    """After a power cut: what is left of the node's content (``size`` bytes, to the bin unless
    there is nothing) is not what was saved; the server's version, as the base tells it, is to be
    fetched again."""

    node: int
    size: int
    why: str


class Doubted(Event, frozen=True):
    """After a power cut: the contents of these nodes have the right size, and may be something else
    all the same."""

    nodes: list[int]


class FellBack(Event, frozen=True):
    """After a power cut: what is left of the node's content (``size`` bytes, to the bin unless
    there is nothing) is not what was saved; what it replaced, whose ``Unlink`` waits under the key
    ``effect``, is the content again."""

    node: int
    effect: bytes
    size: int
    why: str


class Spared(Event, frozen=True):
    """After a power cut: the content of the node may be something else than was saved; what it
    replaced, whose ``Unlink`` waits under the key ``effect``, goes to the bin instead."""

    node: int
    effect: bytes
    why: str


class Counted(Event, frozen=True):
    """SHA-512/256 of contents: (node, version, 32 bytes). One of a version that is neither the
    node's nor its base's is of no use any more."""

    contents: list[tuple[int, int, bytes]]


class Rotted(Event, frozen=True):
    """The content of the node (``size`` bytes, to the bin unless there is nothing) changed on the
    disk by itself; the server's version, as the base tells it, is to be fetched again. ``ino`` is
    its inode from now on."""

    node: int
    ino: int
    size: int
    why: str


class Strayed(Event, frozen=True):
    """These content objects (owner, number, bytes, mtime, name) are named by nothing: they go to
    the bin, as one entry. Of one that arrived from the server, or of the user's when the journal or
    the index lost what told of it."""

    objects: list[tuple[int, int, int, int, bytes]]
    why: str


AnyEvent = (
    Formatted
    | Created
    | AttrsSet
    | WriteBegun
    | Written
    | Renamed
    | Removed
    | XattrSet
    | BasesSet
    | Placed
    | Moved
    | Touched
    | Deleted
    | TakenIn
    | Copied
    | BinRestored
    | BinDropped
    | Swept
    | Synced
    | MadeAbsent
    | Reverted
    | Doubted
    | LeftoverNoted
    | Linked
    | FellBack
    | Spared
    | Held
    | Discarded
    | Counted
    | Rotted
    | Strayed
)

encode = msgspec.msgpack.Encoder(enc_hook=english).encode
decode: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)
