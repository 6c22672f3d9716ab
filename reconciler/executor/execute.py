"""Carries out one action: check the expected old state, act, record what is there now.

Nothing here decides what ought to happen. Each action proves just before it acts that both sides
still are what the plan was made from; otherwise its outcome is STALE and the engine plans again.
The remote tree and the base are advanced as soon as an action is done, so paths computed afterwards
are the paths of now.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import assert_never

import trio

from reconciler.errors import (
    Changed,
    Exists,
    LocalChanged,
    Mismatch,
    Missing,
    RemoteError,
    Rotten,
    Stale,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from reconciler.executor.execute_base import BaseActions
from reconciler.executor.execute_local import JUST_SENT_SECONDS, LocalActions
from reconciler.executor.execute_remote import RemoteActions
from reconciler.executor.folder_looks import Looks
from reconciler.executor.folder_presence import Brought, Presence
from reconciler.executor.outgoing import Attempt, Staged
from reconciler.executor.preconditions import Preconditions
from reconciler.executor.upload import Sender
from reconciler.hydration.hydrator import Hydrator
from reconciler.model import Action, NodeId, Op, Outcome, Result, Settings, Side
from reconciler.phrases import Phrase, strerror
from reconciler.ports import Progress, RemoteFolder, Replica
from reconciler.trees.local_checksums import Copies
from reconciler.trees.remote_tree import RemoteTree

log = logging.getLogger(__name__)


@dataclass(slots=True)
class UploadLedger:
    """What is remembered of uploads from one plan to the next, in memory, each by its node.

    ``attempted`` is what was sent and may have arrived unseen, ``staged`` the version that was put
    beside its place as a whole, ``sent`` when one was sent (trio's clock, seconds), ``brought``
    what came into which folder (see ``Presence``). ``suspects`` are not the file on the server that
    they look like. ``is_first``: no listing but the present one was judged yet, and a former
    process may have sent anything a moment before it ended.
    """

    attempted: dict[NodeId, Attempt] = field(default_factory=dict)
    staged: dict[NodeId, Staged] = field(default_factory=dict)
    sent: dict[NodeId, float] = field(default_factory=dict)
    brought: Brought = field(default_factory=Brought)
    suspects: set[NodeId] = field(default_factory=set)
    is_first: bool = True

    def forget_old(self) -> None:
        """What was sent a while ago is not "just sent" any more."""
        oldest = trio.current_time() - JUST_SENT_SECONDS
        self.sent = {node: when for node, when in self.sent.items() if when > oldest}


class Executor:
    """Runs actions of one plan. ``listed`` says that the remote tree comes from a listing, not from
    an assumption. With ``copies``, content that the server has already is copied there instead of
    sent. ``ledger`` outlives the executor."""

    def __init__(
        self,
        replica: Replica,
        remote: RemoteFolder,
        tree: RemoteTree,
        hydrator: Hydrator,
        progress: Progress,
        ledger: UploadLedger,
        *,
        listed: bool,
        settings: Settings,
        copies: Copies | None = None,
    ) -> None:
        self._replica = replica
        looks = Looks(replica, remote, tree)
        checks = Preconditions(replica, tree, listed=listed)
        sender = Sender(
            replica,
            remote,
            tree,
            progress,
            copies,
            ledger.attempted,
            ledger.staged,
            ledger.suspects,
            looks,
            listed=listed,
        )
        self._presence = Presence(looks, remote, tree, ledger.brought, listed=listed)
        self._to_server = RemoteActions(
            replica,
            remote,
            tree,
            checks,
            sender,
            self._presence,
            ledger.sent,
            progress,
            settings=settings,
            listed=listed,
        )
        self._to_drive = LocalActions(
            replica,
            tree,
            hydrator,
            checks,
            ledger.sent,
            is_first=ledger.is_first,
            settings=settings,
        )
        self._agreements = BaseActions(
            replica,
            tree,
            checks,
            sender,
            self._to_server,
            self._to_drive,
            settings=settings,
            union=replica.base_count() == 0 or settings.meeting,
        )

    async def folders_stayed(self) -> bool:
        """After the plan: whether nothing was sent into a folder that somebody moved away just
        then, as far as a look can tell. Raises Unreachable, Unauthorized."""
        return await self._presence.still()

    async def execute(self, action: Action) -> Outcome:
        """Does it and tells how it ended. Raises Unreachable and Unauthorized alone: nothing else
        of the plan can be done then either. Cancelled while a request is under way, the server may
        or may not have done it; the next plan finds out."""
        started = trio.current_time()
        moved = 0
        try:
            moved = await self._act(action)
            result, why = Result.DONE, ""
        except (Unreachable, Unauthorized):
            raise
        except (Stale, LocalChanged, Changed, Exists, Missing, Mismatch, Unavailable) as error:
            result, why = Result.STALE, str(error)
        except Rotten as error:
            log.error("%s: %s", self._replica.local_path(action.node), error)
            result, why = Result.FAILED, str(error)
        except RemoteError as error:
            result, why = (Result.WAITS if error.temporary else Result.FAILED), str(error)
        except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            result, why = Result.STALE, Phrase("changed here meanwhile: {why}", why=strerror(error))
        except OSError as error:
            result = Result.WAITS
            why = Phrase("the local disk refused it: {why}", why=strerror(error))
        return Outcome(action, result, why, moved, trio.current_time() - started)

    async def _act(self, action: Action) -> int:
        """Bytes that went over the network."""
        match action.side:
            case Side.REMOTE:
                return await self._on_server(action)
            case Side.LOCAL:
                return await self._on_drive(action)
            case Side.BASE:
                return await self._on_base(action)
            case _:
                assert_never(action.side)

    async def _on_server(self, action: Action) -> int:
        match action.op:
            case Op.MAKE:
                return await self._to_server.make(action)
            case Op.SEND:
                return await self._to_server.send(action)
            case Op.MOVE:
                return await self._to_server.move(action)
            case Op.TOUCH:
                return await self._to_server.touch(action)
            case Op.DELETE:
                return await self._to_server.delete(action)
            case Op.FETCH | Op.AGREE | Op.FORGET:
                raise _impossible(action)
            case _:
                assert_never(action.op)

    async def _on_drive(self, action: Action) -> int:
        match action.op:
            case Op.MAKE:
                return await self._to_drive.make(action)
            case Op.FETCH:
                return await self._to_drive.fetch(action)
            case Op.MOVE:
                return await self._to_drive.move(action)
            case Op.TOUCH:
                return await self._to_drive.touch(action)
            case Op.DELETE:
                return await self._to_drive.delete(action)
            case Op.SEND | Op.AGREE | Op.FORGET:
                raise _impossible(action)
            case _:
                assert_never(action.op)

    async def _on_base(self, action: Action) -> int:
        match action.op:
            case Op.AGREE:
                return await self._agreements.agree(action)
            case Op.FORGET:
                return await self._agreements.forget(action)
            case Op.MAKE | Op.SEND | Op.FETCH | Op.MOVE | Op.TOUCH | Op.DELETE:
                raise _impossible(action)
            case _:
                assert_never(action.op)


def _impossible(action: Action) -> ValueError:
    """The planner makes no such action."""
    return ValueError(f"{action.op.value} on side {action.side.value}")
