"""One device's way to the model server: ``reconciler.ports.RemoteFolder`` with latency and faults.

Every request may be refused or break before it is done, be done and its answer lost, or be done
long after the client gave up. Other things happen wherever a request waits. Where the real server
cannot keep two writers apart (it looks, then acts), the version that is lost by that is released:
no client could have saved it.

This file is long because it is one port: each request stands beside its faults.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import random
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from reconciler.errors import (
    Changed,
    Exists,
    Forbidden,
    ListingBroken,
    Locked,
    Mismatch,
    QuotaReached,
    RemoteError,
    ServerFault,
    Unauthorized,
    Unreachable,
)
from reconciler.model import Base, Direction, Entry, Kind
from reconciler.ports import Found, Reader
from tests.sim.server import BOUND_MS, PARTIAL, TEMPORARY, Disk, Item

if TYPE_CHECKING:
    from tests.sim.device import Device

LATELY = 4
"""Of so many of the last files that it sent, a process that is killed may not have written down
what it was told."""

FRESH = 30.0
"""Seconds for which a look at a file counts as the proof of what is about to be overwritten."""


class Fault(enum.Enum):
    """What goes wrong with a request."""

    NONE = "none"
    BEFORE = "not done"
    AFTER = "answer lost"
    LATE = "done late"
    BROKEN = "500"
    LOCKED = "423"
    FULL = "507"
    DENIED = "401"
    FORBIDDEN = "403"
    CUT = "cut"
    MUTE = "inode not told"
    WRONG = "another inode told"


_WEIGHTS = {
    Fault.BEFORE: 4,
    Fault.AFTER: 4,
    Fault.LATE: 2,
    Fault.BROKEN: 2,
    Fault.LOCKED: 1,
    Fault.FULL: 1,
    Fault.CUT: 4,
    Fault.DENIED: 1,
    Fault.FORBIDDEN: 1,
    Fault.MUTE: 1,
    Fault.WRONG: 1,
}


_PICKED: dict[str, Callable[[], RemoteError]] = {
    "403": lambda: Forbidden("403: a proxy's page", status=403),
    "502": lambda: Unreachable("502: a proxy's page", done=False),
    "cut": lambda: Unreachable("the connection was cut", done=False),
    "500": lambda: ServerFault("500", status=500),
}
"""What somebody may make of everything that is asked for one name."""

_LOOKING = (Fault.BEFORE, Fault.BROKEN, Fault.DENIED, Fault.FORBIDDEN)
_CHANGING = (*_LOOKING, Fault.AFTER, Fault.LATE, Fault.LOCKED, Fault.FULL)


@dataclass(frozen=True, slots=True)
class Seen:
    """A HEAD's answer, and when it was given (s)."""

    at: float
    found: Found
    data: bytes | None


class ModelFolder:
    """Requests of one device. ``rate`` is the part of them that has a fault while the world's
    faults are on."""

    def __init__(self, device: Device, rng: random.Random, rate: float, pace: float) -> None:
        self._device = device
        self._world = device.world
        self._disk: Disk = device.world.disk
        self._rng = rng
        self._rate = rate
        self._pace = pace
        self._seen: dict[str, Seen] = {}
        self._looked: dict[str, Seen] = {}
        self._odd_until: dict[str, float] = {}
        self._listed_from = -1
        self._answered: deque[tuple[int, int]] = deque(maxlen=LATELY)

    # a request ------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Time passes, or only a turn of the others."""
        if self._rng.random() < 0.5:
            await trio.lowlevel.checkpoint()
        else:
            await trio.sleep(self._rng.random() * self._pace)
        self._device.moment()

    def _draw(self, *kinds: Fault) -> Fault:
        if not self._world.faults_on or self._rng.random() >= self._rate:
            return Fault.NONE
        return self._rng.choices(kinds, [_WEIGHTS[kind] for kind in kinds])[0]

    def _note(self, what: str, path: str, how: str = "") -> None:
        self._world.log(self._device.name, f"  {what} {path}{' ' + how if how else ''}")

    async def _begin(self, what: str, path: str, *kinds: Fault) -> Fault:
        """The request is on its way. Raises what keeps it from being done; the fault that it meets
        later."""
        self._world.count_request()
        await self._wait()
        fault = self._draw(*kinds)
        if not self._device.offline:
            self._refuse_picked(what, path)
        if self._device.offline:
            fault = Fault.BEFORE
        refusals: dict[Fault, RemoteError] = {
            Fault.BEFORE: Unreachable("no connection"),
            Fault.BROKEN: ServerFault("500", status=500),
            Fault.LOCKED: Locked("423", status=423),
            Fault.FULL: QuotaReached("507", status=507),
            Fault.DENIED: Unauthorized("401", status=401),
            Fault.FORBIDDEN: Forbidden("403", status=403),
        }
        if fault in refusals:
            self._note(what, path, f"→ {fault.value}")
            self._world.met_fault = True
            raise refusals[fault]
        return fault

    def _refuse_picked(self, what: str, path: str) -> None:
        """Somebody on the way there, or the server itself, fails for one name and for nothing
        else."""
        picked = self._world.picked
        if picked is None or not self._world.faults_on:
            return
        name, error = picked
        if any(each.rpartition("/")[2] == name for each in path.split(" → ")):
            self._note(what, path, f"→ {error} for this name")
            self._world.met_fault = True
            refusal: RemoteError = _PICKED[error]()
            raise refusal

    async def _change(self, what: str, path: str, act: Callable[[], Item | None]) -> int:
        """One changing request that is done in one step. The inode of what ``act`` returns, if the
        answer tells it."""
        self._expect_permission(what, path)
        fault = await self._begin(what, path, *_CHANGING)
        if fault is Fault.LATE:
            self._later(what, path, act)
            await self._lose(what, path)
        try:
            item = act()
        except RemoteError as error:
            self._note(what, path, f"→ {type(error).__name__}")
            raise
        self._note(what, path)
        inode = 0 if item is None else self._told(item)
        self._device.moment()
        await self._wait()
        if fault is Fault.AFTER or self._device.offline:
            await self._lose(what, path)
        return inode

    def _told(self, item: Item) -> int:
        """What an answer makes of an inode. Some are cut off behind their head, and tell none; and
        some tell another one: that of the file which was just replaced, of whatever has come there
        since, or anybody's."""
        fault = self._draw(Fault.MUTE, Fault.WRONG)
        if fault is Fault.WRONG:
            inode = self._rng.choice(
                (self._disk.some_inode(self._rng), self._rng.randrange(1, 100))
            )
            self._world.shown(item, inode)
            return inode
        if fault is Fault.MUTE:
            self._untold(item.size, item.found.mtime)
            return 0
        self._answered.append((item.size, item.found.mtime))
        return item.inode

    def _untold(self, size: int, mtime: int) -> None:
        """Nobody here knows the inode of what has this size and second on the server."""
        self._world.ledger.untold(size, mtime)

    def forget(self) -> None:
        """The process is killed: what it was told of late may be written down nowhere."""
        for each in self._answered:
            self._untold(*each)

    def _expect_permission(self, what: str, path: str) -> None:
        """Neither a dry run nor a drive that only follows the server changes anything there."""
        engine = self._device.engine
        if engine.dry or engine.settings.direction is Direction.DOWNLOAD:
            self._world.fail(f"{self._device.name} asked for {what} {path}")

    async def _lose(self, what: str, path: str) -> None:
        self._note(what, path, "→ answer lost")
        self._world.met_fault = True
        await self._wait()
        raise Unreachable("the answer was lost", done=None)

    def _later(self, what: str, path: str, act: Callable[[], Item | None]) -> None:
        delay = self._rng.choice((0.5, 5.0, 40.0)) * self._rng.random()
        life = self._disk.lives

        async def do() -> None:
            await trio.sleep(delay)
            if life != self._disk.lives:
                return
            with contextlib.suppress(RemoteError):
                act()
                self._note(what, path, "(late)")
                self._world.late_on_its_way = self._world.late_on_its_way or TEMPORARY in path
                self._world.late_remains = self._world.late_remains or PARTIAL in path

        self._world.start_late(do)

    # looking --------------------------------------------------------------------------------------

    async def greet(self) -> None:
        self._world.count_request()
        await self._wait()
        self._note("greet", "", "→ offline" if self._device.offline else "")
        if self._device.offline:
            raise Unreachable("no connection")

    async def is_there(self) -> bool:
        await trio.lowlevel.checkpoint()
        return True  # nobody takes the folder itself away here

    async def find(self, path: str) -> Found | None:
        await self._begin("HEAD", path, *_LOOKING)
        item = self._disk.at(path)
        self._seen.pop(path, None)
        if item is not None and not item.is_folder:
            self._seen[path] = Seen(trio.current_time(), item.found, item.data)
        await self._wait()
        if item is None:
            return None
        if item.is_folder:
            raise Exists("400: a folder", status=400)
        return self._seen[path].found if path in self._seen else item.found

    async def look(self, path: str) -> list[Entry] | None:
        await self._begin("BROWSE", path, *_LOOKING)
        item = self._disk.at(path)
        self._note("LOOK", path)
        if item is None or not item.is_folder:
            return None
        found = []
        for name, each in self._disk.children(item):
            where = f"{path}/{name}" if path else name
            if self.odd(where) or abs(each.mtime_ms) > BOUND_MS:
                found.append(Entry(where, False, 0, 0, 0, problem="it is not understood"))
                continue
            inode = self.listed_inode(each)
            found.append(Entry(where, each.is_folder, each.size, each.found.mtime, inode))
        await self._wait()
        return found

    async def inodes(self, path: str) -> dict[str, int] | None:
        await self._begin("BROWSE", path, *_LOOKING)
        item = self._disk.at(path)
        self._note("BROWSE", path)
        if item is None or not item.is_folder:
            return None
        now = trio.current_time()
        for name, each in self._disk.children(item):
            self._looked[f"{path}/{name}" if path else name] = Seen(now, each.found, each.data)
        found = {name: self._told(each) for name, each in self._disk.children(item)}
        await self._wait()
        return found

    async def partial(self, path: str) -> int:
        head, _, name = path.rpartition("/")
        try:
            found = await self.find(f"{head}/{PARTIAL}{name}" if head else PARTIAL + name)
        except Exists:
            return 0
        return 0 if found is None else found.size

    @contextlib.asynccontextmanager
    async def listing(
        self, snapshot: Callable[[], Iterator[Entry]] | None = None
    ) -> AsyncIterator[AsyncIterator[list[Entry]]]:
        believed = None if snapshot is None else {entry.path: entry for entry in snapshot()}
        fault = await self._begin("LIST", "", *_LOOKING, Fault.CUT, Fault.FULL)
        self._note("LIST", "", fault.value if fault is Fault.CUT else "")
        self._listed_from = self._disk.changes
        yield _Listing(self, self._disk, self._rng, fault, believed)

    async def checksums(self, paths: Sequence[str]) -> dict[str, Entry]:
        wanted, found, listed_from = set(paths), {}, self._listed_from
        async with self.listing(lambda: iter(())) as batches:
            self._listed_from = listed_from  # nothing is read as absent from this one
            async for batch in batches:
                found.update(
                    {
                        each.path: each
                        for each in batch
                        if each.path in wanted and each.checksum is not None
                    }
                )
        return found

    def listed(self, torn: bool) -> None:
        """The listing came to its end; ``torn`` when something changed meanwhile."""
        self._world.torn = self._world.torn or torn

    def must_be_gone(self, path: str, base: Base) -> None:
        """The device has removed this version because a listing did not have it. Broken when it was
        there all the time. (An empty file that takes a folder's name, inode and second is not the
        folder. What somebody renames to where a filter leaves it out is gone for this device.)"""
        if base.kind is not Kind.FILE or self._device.settings.filters.left_out(path):
            return
        item = self._disk.at(path)
        if item is None or item.data is None or self._listed_from != self._disk.changes:
            return
        if (item.inode, item.size, item.found.mtime) == (base.inode, base.size, base.mtime):
            self._world.fail(f"{self._device.name} removed {path}, which is on the server")

    def odd(self, path: str) -> bool:
        """Whether an entry shall be unreadable: in one listing, or in all for a while, so that
        looking twice tells no more."""
        now = trio.current_time()
        if self._world.faults_on and self._rng.random() < self._rate / 10:
            self._odd_until[path] = now + self._rng.choice((0.0, 0.0, 60.0))
            self._world.met_fault = True
            return True
        return self._world.faults_on and now < self._odd_until.get(path, 0.0)

    def listed_inode(self, item: Item) -> int:
        """A listing tells the right inode, or one that nobody can use."""
        if not self._world.faults_on or self._rng.random() >= self._rate / 10:
            return item.inode
        self._untold(item.size, item.found.mtime)
        return 0

    def saw_half_done(self) -> None:
        """Something is listed under the name that it has in the middle of a swap, of this device or
        of another."""
        self._world.half_done = self._world.half_done or len(self._world.devices) > 1

    async def breathe(self, life: int) -> None:
        """``life`` is the server's in which the request began."""
        await self._wait()
        if self._device.offline or life != self._disk.lives:
            self._world.met_fault = True
            raise Unreachable("the connection broke")

    @contextlib.asynccontextmanager
    async def download(
        self, path: str, *, start: int, stop: int, expect: Found
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        fault = await self._begin("GET", path, *_LOOKING, Fault.CUT)
        item = self._disk.existing(path)
        if (item.size, item.found.mtime) != (expect.size, expect.mtime) or item.data is None:
            self._note("GET", path, "→ changed")
            raise Changed("another version")
        data = item.data[start:stop]
        self._note("GET", path, f"{start}-{stop}{' cut' if fault is Fault.CUT else ''}")
        self._world.moved(
            self._device.name, "down", self._world.ledger.number(item.data), len(data)
        )
        if fault is Fault.CUT:
            self._world.met_fault = True
        cut = self._rng.randrange(len(data) + 1) if fault is Fault.CUT else None
        async with contextlib.aclosing(self._pieces(data, cut, self._disk.lives)) as pieces:
            yield pieces

    async def _pieces(self, data: bytes, cut: int | None, life: int) -> AsyncGenerator[bytes, None]:
        offset = 0
        while offset < len(data):
            stop = min(offset + self._rng.choice((1, 100, 4096, 10_000, 10_000)), len(data))
            if cut is not None and stop > cut:
                if offset < cut:
                    yield data[offset:cut]
                raise Unreachable("the download broke off")
            yield data[offset:stop]
            offset = stop
            if self._rng.random() < 0.3:
                await self.breathe(life)

    # changing -------------------------------------------------------------------------------------

    async def make_folder(self, path: str, mtime: int) -> int:
        def act() -> Item | None:
            self._disk.make_folder(path, mtime * 1000)
            return self._disk.at(path)

        return await self._change("MAKE", path, act)

    async def touch(self, path: str, mtime: int) -> None:
        def act() -> None:
            item = self._disk.existing(path)
            before = item.size, item.found.mtime
            self._disk.touch(path, mtime * 1000)
            if self._world.ledger.is_untold(*before):  # no answer tells an inode
                self._untold(item.size, mtime)

        await self._change("PROPPATCH", path, act)

    async def delete(self, path: str) -> None:
        def act() -> None:
            self._disk.existing(path)
            self._refuse_locked(path, below=True)
            self._disk.delete(path)

        await self._change("DELETE", path, act)

    async def move(self, path: str, target: str, *, overwrite: bool = False) -> None:
        if path == target:
            return
        if not overwrite and self._rng.random() < 0.1:
            await self._look_before(path, target)

        def act() -> None:
            self._disk.existing(path)
            if not overwrite:
                self._disk.existing(target.rpartition("/")[0])
            if not overwrite and self._disk.at(target) is not None:
                raise Exists("400: the destination already exists", status=400)
            self._refuse_locked(path, below=True)
            self._refuse_locked(target, below=True)
            self._disk.move(path, target)

        await self._change("MOVE" if overwrite else "move", f"{path} → {target}", act)

    async def copy(self, path: str, target: str, mtime: int) -> int:
        def act() -> Item | None:
            source = self._disk.existing(path)
            self._refuse_locked(target)
            if self._disk.at(target) is not None:
                self._disk.delete(target)
            if source.data is not None:
                self._disk.put(target, source.data, mtime * 1000)
                return self._disk.at(target)
            # somebody swapped a folder into its place: the server copies that, with all in it
            self._disk.make_folder(target, mtime * 1000)
            for below, item in list(self._disk.walk(path)):
                there = f"{target}/{below.removeprefix(path + '/')}"
                if item.data is None:
                    self._disk.make_folder(there, item.mtime_ms)
                else:
                    self._disk.put(there, item.data, item.mtime_ms)
            return self._disk.at(target)

        return await self._change("COPY", f"{path} → {target}", act)

    async def _look_before(self, path: str, target: str) -> None:
        """The real server checks the source before it begins, and the destination a moment
        later."""
        self._disk.existing(path)
        await self._wait()

    def _refuse_locked(self, path: str, *, below: bool = False) -> None:
        if self._world.is_locked(path, below=below):
            raise Locked("423: an upload holds it", status=423)

    # uploads --------------------------------------------------------------------------------------

    @property
    def root(self) -> str:
        return ""

    @property
    def proves_all(self) -> bool:
        return False

    async def upload(
        self,
        path: str,
        reader: Reader,
        *,
        size: int,
        mtime: int,
        checksum: str,
        replace: bool,
        start: int = 0,
        prove: bool = True,
    ) -> int:
        what = "PUT" if replace else "POST"
        self._expect_permission(what, path)
        fault = await self._begin(what, path, *_CHANGING, Fault.CUT)
        item = self._disk.at(path)
        if item is not None and (item.is_folder or not replace):
            self._note(what, path, "→ 405")
            raise Exists("405: it exists", status=405)
        self._refuse_locked(path)
        proof = self._proof(path) if replace else None
        home, told = self._disk.parent_of(path).inode, False
        self._world.lock(path)
        unlock = True
        try:
            body = await self._receive(what, path, reader, size, start, replace, fault)
            self._check(what, path, body, size, checksum if prove else "")
            number = self._world.ledger.number(body)

            def act() -> Item:
                # what had arrived went elsewhere with its folder
                if self._disk.parent_of(path).inode != home:
                    raise ServerFault("500: unable to move tmp file to dst file", status=500)
                self._overwrites(path, proof, replace=replace)
                self._disk.put(path, body, mtime * 1000)
                self._take_partial(path)
                self._world.moved(self._device.name, "up", number, size - start)
                return self._disk.existing(path)

            if fault is Fault.LATE:
                unlock = False

                def act_and_unlock() -> Item:
                    self._world.unlock(path)
                    return act()

                self._later(what, path, act_and_unlock)
                await self._lose(what, path)
            inode = self._told(act())
            self._note(what, path, f"= {number or 'part'} mtime {mtime}")
            self._device.moment()
            await self._wait()
            if fault is Fault.AFTER or self._device.offline:
                await self._lose(what, path)
            told = True
            return inode
        finally:
            if unlock:
                self._world.unlock(path)
            if not told:
                self._untold(size, mtime)

    async def _receive(
        self,
        what: str,
        path: str,
        reader: Reader,
        size: int,
        start: int,
        replace: bool,
        fault: Fault,
    ) -> bytes:
        """The body as it arrives in the partial file, which stays when it breaks off."""
        partial, life = self._partial(path), self._disk.lives
        body = bytearray()
        if start:
            if partial is None and replace:
                raise ServerFault("500: ENOENT", status=500)
            if partial is not None:
                if partial.size != start:
                    raise Mismatch("400: start offset", status=400)
                body += partial.data or b""
        cut = self._rng.randrange(size - start + 1) if fault is Fault.CUT else None
        offset = start
        try:
            while offset < size:
                piece = await reader(offset, self._rng.choice((1000, 5000, 512 * 1024)))
                if not piece:
                    break
                if cut is not None and offset + len(piece) > start + cut:
                    body += piece[: start + cut - offset]
                    self._break(what, path)
                body += piece
                offset += len(piece)
                if self._rng.random() < 0.5:
                    await self.breathe(life)
        except BaseException:
            self._disk.put(self._partial_path(path), bytes(body), self._world.wall_ms())
            raise
        return bytes(body)

    def _break(self, what: str, path: str) -> None:
        self._note(what, path, "→ cut")
        self._world.met_fault = True
        raise Unreachable("the upload broke off")

    def _check(self, what: str, path: str, body: bytes, size: int, checksum: str) -> None:
        if len(body) != size or (
            checksum and hashlib.new("sha512_256", body).hexdigest() != checksum
        ):
            self._disk.put(self._partial_path(path), body, self._world.wall_ms())
            self._note(what, path, "→ mismatch")
            raise Mismatch("400: sizes or checksums are not identical", status=400)

    def _proof(self, path: str) -> Seen | None:
        """What the client has just seen at a place that it is going to overwrite."""
        seen = self._seen.get(path)
        return seen if seen is not None and trio.current_time() - seen.at < FRESH else None

    def _overwrites(self, path: str, proof: Seen | None, *, replace: bool) -> None:
        """Releases a version that is lost because the server does not keep two writers apart: it
        came after the client's look at the place (PUT), or after the server's own (POST)."""
        item = self._disk.at(path)
        if item is None or item.is_folder:
            return
        looks = [proof, self._looked.get(path)] if replace and proof is not None else []
        for look in looks:
            if (
                look is not None
                and look.data != item.data
                and item.since >= look.at > trio.current_time() - FRESH
            ):
                self._world.raced(item.data)
                return
        if not replace:
            self._world.raced(item.data)

    @staticmethod
    def _partial_path(path: str) -> str:
        head, _, name = path.rpartition("/")
        return f"{head}/{PARTIAL}{name}" if head else PARTIAL + name

    def _partial(self, path: str) -> Item | None:
        found = self._disk.at(self._partial_path(path))
        return None if found is None or found.is_folder else found

    def _take_partial(self, path: str) -> None:
        if self._partial(path) is not None:
            self._disk.destroy(self._partial_path(path))


class _Listing(AsyncIterator[list[Entry]]):
    """The tree is read while it is sent: one folder at a time, names first, each entry's state when
    its turn comes."""

    def __init__(
        self,
        folder: ModelFolder,
        disk: Disk,
        rng: random.Random,
        fault: Fault,
        believed: dict[str, Entry] | None,
    ) -> None:
        """``believed``: checksums are told, and taken from there where size, mtime and inode hold
        (None: not told)."""
        self._believed = believed
        self._folder = folder
        self._disk = disk
        self._rng = rng
        self._left = rng.randrange(8) if fault is Fault.CUT else -1
        self._changes = disk.changes
        self._life = disk.lives
        self._stack: list[tuple[str, list[str]]] = []
        self._open("")
        self._batch = rng.choice((1, 3, 1000))

    def _open(self, path: str) -> None:
        folder = self._disk.at(path)
        if folder is None or not folder.is_folder:
            raise ListingBroken("Unable to parse path")
        self._stack.append((path, sorted(folder.children, reverse=True)))

    async def __anext__(self) -> list[Entry]:
        if self._disk.lives != self._life:
            raise Unreachable("the connection broke")
        if not self._stack:
            self._folder.listed(self._disk.changes != self._changes)
            raise StopAsyncIteration
        entries: list[Entry] = []
        while self._stack and len(entries) < self._batch:
            if self._left == 0:
                raise ListingBroken("the listing ended without its end")
            path, names = self._stack[-1]
            if not names:
                self._stack.pop()
                continue
            name = names.pop()
            self._left -= 1
            self._add(entries, f"{path}/{name}" if path else name)
        if self._rng.random() < 0.7:
            await self._folder.breathe(self._life)
        return entries

    def _add(self, entries: list[Entry], path: str) -> None:
        item = self._disk.at(path)
        if item is None or self._folder.odd(path):
            entries.append(Entry(path, False, 0, 0, 0, problem="ENOENT, stat"))
            return
        if abs(item.mtime_ms) > BOUND_MS:
            entries.append(Entry(path, False, 0, 0, 0, problem="a time out of bounds"))
            return
        entry = Entry(
            path, item.is_folder, item.size, item.found.mtime, self._folder.listed_inode(item)
        )
        if self._believed is not None and item.data is not None:
            told = self._believed.get(path)
            same = told is not None and (told.size, told.mtime, told.inode) == (
                entry.size,
                entry.mtime,
                entry.inode,
            )
            digest = (
                told.checksum
                if told is not None and same
                else hashlib.new("sha512_256", item.data).hexdigest()
            )
            entry = entry._replace(checksum=digest)
        if TEMPORARY in path:
            self._folder.saw_half_done()
        entries.append(entry)
        if item.is_folder:
            self._open(path)
