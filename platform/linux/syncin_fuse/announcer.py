"""Has the kernel tell inotify's watchers of what came from the server.

For each change of a name the herald (`syncin_fuse.herald`), a process of our own, makes the system
call that would have done it, and the requests that come of it are answered from here: what the call
finds is what was there before, and what it does is done already. So a file that appears is made
(IN_CREATE), one that goes is unlinked (IN_DELETE, and IN_DELETE_SELF for who watches the file), a
rename is one (IN_MOVED_FROM, IN_MOVED_TO), and a new content is renamed over the old one from a
folder that nobody else sees (IN_MOVED_TO, IN_DELETE_SELF), as editors save.

What holds here:

- Nothing is decided, and nothing recorded: `_Act` is compared with the drive when the request
  comes, and refused when the drive has gone on since.
- What the herald is told of a name holds for that call alone (no time to live): everybody else asks
  again.
- The drive never waits for the herald but in this task. One call is under way at a time, and a
  herald that does not answer is killed (whoever waits for FUSE can be).
- What comes too fast is told by folder: see WAITING.
- While nobody watches no call is made: the herald looks through the processes (/proc), at most
  every LOOK seconds. Those of other users cannot be looked into, and matter only where they are let
  in.
"""

from __future__ import annotations

import collections
import errno
import logging
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec
import pyfuse3
import trio

from syncin_fuse.mountpoint import device
from syncin_mount.store.types import NodeType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyfuse3 import EntryAttributes

    from syncin_mount.store import Attr, NameChanged
    from syncin_mount.vfs import FileSystem

log = logging.getLogger(__name__)

WAITING = 500
"""Names that wait to be told of. Beyond that their folders are told of instead, each once."""

FOLDERS = 500
"""Folders that wait to be told of. Beyond that nothing is told."""

LOOK = 0.5
"""Seconds between two looks at who watches; what comes meanwhile waits."""

ANSWER = 5.0
"""Seconds after which a herald that does not answer is killed."""

HERALD_BACKOFF_S = 30.0
"""Seconds for which nothing is told after a herald was lost."""

TRIES = 3
"""Somebody may have looked the name up just before the call, which then does nothing."""

LONGEST = 4095
"""Bytes of a path that a system call takes (PATH_MAX, without the zero)."""

HERALD = Path(__file__).with_name("herald.py")
WINGS = (1 << 62) + 1
"""The inode of the folder that a new content is renamed from; no file of a replica comes so far."""
CONTENT = b"content"


class _Act(msgspec.Struct):
    """One system call of the herald. ``before``: what it finds under a name (parent's inode, name),
    None: nothing."""

    verb: bytes
    paths: list[bytes]
    before: dict[tuple[int, bytes], Attr | None]
    place: tuple[int, bytes]  # what is told of
    after: Attr | None  # what is there now
    done: bool = False


class Announcer:
    """``show`` makes of attributes what the kernel gets. ``everybody``: other users are let in."""

    def __init__(
        self,
        fs: FileSystem,
        mountpoint: Path,
        show: Callable[[Attr], EntryAttributes],
        *,
        everybody: bool,
    ) -> None:
        self.pid = 0
        """The herald's process; 0 when there is none. Requests of it are for the methods below."""
        self._fs = fs
        self._top = os.fsencode(os.path.abspath(mountpoint))
        self._show = show
        self._mountpoint = mountpoint
        self._everybody = everybody
        self._looked = -LOOK
        self._wings = b".syncin-mount-" + secrets.token_hex(16).encode()
        self._names: collections.deque[NameChanged] = collections.deque()
        self._folders: dict[int, None] = {}
        self._news = trio.Event()
        self._closed = False
        self._act: _Act | None = None
        self._herald: trio.Process | None = None

    # What changed ---------------------------------------------------------------------------------

    def put(self, change: NameChanged) -> None:
        """The kernel has been told that it remembers this name wrongly."""
        if self._closed:
            return
        if len(self._names) < WAITING:
            self._names.append(change)
        elif len(self._folders) < FOLDERS:
            self._folders[change.parent_ino] = None
        self._news.set()

    def close(self) -> None:
        """Nothing is told any more. The herald is killed: it must not keep the drive from being
        unmounted."""
        self._closed = True
        self._names.clear()
        self._folders.clear()
        self._lose()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._news.wait()
                self._news = trio.Event()
                await self._tell_all()
        finally:
            self.close()

    async def _tell_all(self) -> None:
        """What there is, and what comes meanwhile."""
        while self._names or self._folders:
            await trio.sleep_until(self._looked + LOOK)
            self._looked = trio.current_time()
            names, folders = self._names.copy(), self._folders.copy()
            self._names.clear()
            self._folders.clear()
            try:
                if await self._watched():
                    await self._tell(names, folders)
            except OSError as error:
                log.debug("No event could be made: %s", error)
                self._lose()
                await trio.sleep(HERALD_BACKOFF_S)
                self._names.clear()
                self._folders.clear()

    async def _watched(self) -> bool:
        if self._everybody:
            return True
        numbers = device(self._mountpoint)
        return (
            numbers is not None
            and await self._order(b"watched", b"%x" % (numbers[0] << 20 | numbers[1])) != 0
        )

    async def _tell(self, names: Iterable[NameChanged], folders: Iterable[int]) -> None:
        for name in names:
            act = self._plan(name)
            if act is not None:
                await self._perform(act)
        for ino in folders:
            path = self._path(ino)
            if path is not None:
                await self._perform(_Act(b"touch", [path], {}, (ino, b""), None))

    def _path(self, folder: int, name: bytes = b"") -> bytes | None:
        below = self._fs.names.path_of_folder(folder)
        if below is None:
            return None
        path = b"/".join(part for part in (self._top, below, name) if part)
        return path if len(path) <= LONGEST else None

    def _plan(self, change: NameChanged) -> _Act | None:
        """What has to be done for watchers to hear of it; None when it is as it was, or gone on."""
        place = change.parent_ino, change.name
        path = self._path(*place)
        if path is None:
            return None
        now = self._fs.names.named(*place)
        if change.to is not None:
            return self._plan_move(change, path, now)
        was = change.was
        if now is None:
            if was is None:
                return None
            return _Act(
                b"rmdir" if was.kind is NodeType.FOLDER else b"unlink",
                [path],
                {place: was},
                place,
                None,
            )
        if was is None:
            verbs = {NodeType.FILE: b"make", NodeType.FOLDER: b"mkdir"}
            verb = verbs.get(now.kind)
            return None if verb is None else _Act(verb, [path], {place: None}, place, now)
        if was.ino == now.ino or NodeType.FOLDER in {was.kind, now.kind}:
            return None
        source = b"/".join((self._top, self._wings, CONTENT))
        return _Act(b"rename", [source, path], {place: was, (WINGS, CONTENT): now}, place, now)

    def _plan_move(self, change: NameChanged, path: bytes, there: Attr | None) -> _Act | None:
        assert change.to is not None
        source, target = (change.parent_ino, change.name), change.to
        new_path = self._path(*target)
        now = self._fs.names.named(*target)
        if now is None or new_path is None or there is not None:
            return None
        return _Act(b"rename", [path, new_path], {source: now, target: None}, target, now)

    # The herald -----------------------------------------------------------------------------------

    async def _perform(self, act: _Act) -> None:
        """Raises OSError when the herald is lost."""
        for attempt in range(TRIES):
            if attempt:  # under one of the names is what is there now, and the call did nothing
                await trio.to_thread.run_sync(
                    _forget_names, list(act.before), abandon_on_cancel=True
                )
            self._act = act
            try:
                number = await self._order(act.verb, *act.paths)
            finally:
                self._act = None
            if act.done or number not in {0, errno.EEXIST, errno.ENOENT}:
                return

    async def _order(self, *words: bytes) -> int:
        """What the herald answers: the errno of the call, 0: none. Raises OSError when it does
        not."""
        herald = self._herald or await self._start()
        assert herald.stdin is not None
        assert herald.stdout is not None
        order = b"\0".join(words)
        answer = b""
        with trio.move_on_after(ANSWER):
            try:
                await herald.stdin.send_all(len(order).to_bytes(4, "big") + order)
                while len(answer) < 4:
                    piece = await herald.stdout.receive_some(4 - len(answer))
                    if not piece:
                        break
                    answer += piece
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                answer = b""
        if len(answer) < 4:
            raise OSError(errno.ESRCH, "the herald does not answer")
        return int.from_bytes(answer, "big")

    async def _start(self) -> trio.Process:
        if self._closed:
            raise OSError(errno.ESHUTDOWN, os.strerror(errno.ESHUTDOWN))
        # -I, -S: nothing of the user's environment or packages; a session of its own: Ctrl-C is not
        # for it.
        herald = await trio.lowlevel.open_process(
            [sys.executable, "-I", "-S", str(HERALD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
        self._herald, self.pid = herald, herald.pid
        return herald

    def _lose(self) -> None:
        herald, self._herald = self._herald, None
        self.pid = 0  # before the number can be another's
        if herald is not None:
            with suppress(OSError):
                herald.kill()
            trio.lowlevel.spawn_system_task(_reap, herald)

    # Its requests ---------------------------------------------------------------------------------

    def lookup(self, parent: int, name: bytes) -> EntryAttributes | None:
        """What the herald finds there; None: what everybody finds. Raises FUSEError."""
        act = self._act
        if act is None:
            return None
        if (parent, name) == (pyfuse3.ROOT_INODE, self._wings):
            return self._shown(self._wings_attr())
        if (parent, name) in act.before:
            return self._shown(act.before[parent, name])
        return None

    def _wings_attr(self) -> Attr:
        top = self._fs.getattr(pyfuse3.ROOT_INODE)
        return msgspec.structs.replace(top, ino=WINGS, mode=0o700, uid=os.getuid(), gid=os.getgid())

    def _shown(self, attr: Attr | None) -> EntryAttributes:
        if attr is None:
            entry = pyfuse3.EntryAttributes()
            entry.st_ino = 0
        else:
            entry = self._show(msgspec.structs.replace(attr, nlink=max(attr.nlink, 1)))
        entry.entry_timeout = 0
        return entry

    def change(self, verb: bytes, parent: int, name: bytes) -> EntryAttributes | None:
        """The herald does what its act says; what is there now, None: nothing. Raises FUSEError
        when that is not so any more, and for all else."""
        act = self._act
        if act is None or verb != act.verb or (parent, name) != act.place:
            _refuse(errno.EPERM)
        now = self._fs.names.named(parent, name)
        if (now is None) != (act.after is None) or (now and act.after and now.ino != act.after.ino):
            _refuse(errno.EAGAIN)
        act.done = True
        return None if now is None else self._show(now)

    def setattr(self, ino: int) -> EntryAttributes:
        """The kernel writes the time of a rename back in the name of who did it, or a folder is
        touched: nothing is changed."""
        act = self._act
        if act is None:
            _refuse(errno.EPERM)
        if act.verb == b"touch":
            act.done = True
        for attr in (*act.before.values(), act.after):
            if attr is not None and attr.ino == ino:
                return self._show(attr)
        return self._show(self._fs.getattr(ino))


def _refuse(number: int) -> NoReturn:
    raise pyfuse3.FUSEError(number)


def _forget_names(places: list[tuple[int, bytes]]) -> None:
    for place in places:
        with suppress(OSError):
            pyfuse3.invalidate_entry(*place)


async def _reap(herald: trio.Process) -> None:
    for pipe in (herald.stdin, herald.stdout):
        if pipe is not None:
            await pipe.aclose()
    with trio.move_on_after(60):
        await herald.wait()
