"""The port through which the file system asks for content that is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

from reconciler.errors import Obstacle, Unavailable

if TYPE_CHECKING:
    from reconciler.model import NodeId


class Hydrator(Protocol):
    """Fetches contents. Used from the trio thread."""

    async def ensure(self, node: NodeId, start: int, stop: int) -> None:
        """Returns when the bytes [start, stop) of the node's content are here.

        Raises Unavailable when that is not possible now: at once when it is known beforehand, never
        after an unlimited wait. Cancelling leaves the fetch to whoever else waits for it.
        """
        ...

    async def begin(self, node: NodeId) -> None:
        """Somebody opens a content that is not here, to read it. If it is not what the server has
        any more, that is found out and put right as far as possible before this returns: the inode
        is another one then, or gone. Raises nothing."""
        ...

    async def prove(self, node: NodeId, *, broken: bool = False) -> bool:
        """Whether the node's content, which both sides agreed on, still is what it was; ``broken``:
        it cannot be opened. What is not has another inode when this returns, and is to be
        fetched."""
        ...


class NoHydrator:
    """Stands where no server is known: everything that is not here stays unavailable."""

    async def ensure(self, node: NodeId, start: int, stop: int) -> NoReturn:
        raise Unavailable("not connected", Obstacle.OFFLINE)

    async def begin(self, _node: NodeId) -> None:
        """What cannot be fetched, a read says."""

    async def prove(self, _node: NodeId, *, broken: bool = False) -> bool:
        del broken  # nothing can be fetched, so nothing is taken away
        return True
