"""Which version of a file on the server an incoming content is, and the name of its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from reconciler.model import UNPROVED, Base
from syncin_mount.store.records import BaseRecord

_NAME = re.compile(r"(\d+)-(\d+)-(-?\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class IncomingVersion:
    """``size`` in bytes, ``mtime`` in seconds; ``inode`` on the server, 0 where that is not
    known."""

    node: int
    size: int
    mtime: int
    inode: int = 0

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The version whose file has this name; None for any other name."""
        parts = _NAME.fullmatch(name)
        return None if parts is None else cls(*(int(part or 0) for part in parts.groups()))

    @classmethod
    def of_base(cls, node: int, base: Base | BaseRecord) -> Self:
        """The version that both sides agreed on."""
        return cls(node, base.size, base.mtime, 0 if base.inode == UNPROVED else base.inode)

    @property
    def name(self) -> str:
        stamp = f"{self.node}-{self.size}-{self.mtime}"
        return f"{stamp}-{self.inode}" if self.inode else stamp

    def may_be(self, other: IncomingVersion) -> bool:
        """Whether both may be one version. Of two files with one size and second, each has an
        inode of its own: a content that began as the one must not go on as the other."""
        return (self.node, self.size, self.mtime) == (other.node, other.size, other.mtime) and (
            self.inode == other.inode or 0 in (self.inode, other.inode)
        )
