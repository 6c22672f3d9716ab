"""A drive without a server, for tests: replica and mount point are arguments, orders come as JSON
lines on stdin.

An order names one of the methods of Orders and its arguments; its reply is one JSON line on stdout.
SIGTERM stops the program in the orderly way. Contents that are not here come from the folder
``--contents``, by the path in the drive, if it is given; else they are unavailable.
"""

from __future__ import annotations

import argparse
import inspect
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import trio

import syncin_fuse
from reconciler.errors import Unavailable
from reconciler.model import ROOT, Base, Kind, NodeId, Place
from syncin_fuse.announcer import Announcer
from syncin_mount.store import Replica, check
from syncin_mount.vfs import FileSystem, Hydrator, MountError, MountOptions, NoHydrator

log = logging.getLogger(__name__)

BLOCK = 4096
"""An incoming content takes note of whole blocks only."""


class FolderHydrator:
    """Fetches contents from another folder, exactly what is asked for, as the real one does from
    the server."""

    def __init__(self, replica: Replica, contents: Path) -> None:
        self._replica = replica
        self._contents = contents

    async def ensure(self, node: NodeId, start: int, stop: int) -> None:
        await trio.lowlevel.checkpoint()
        base, local = self._replica.base(node), self._replica.local(node)
        assert base is not None
        assert local is not None
        try:
            source = os.open(self._contents / self._replica.local_path(node), os.O_RDONLY)
        except FileNotFoundError:
            raise Unavailable("there is no such content") from None
        incoming = self._replica.incoming(node, base.size, base.mtime)
        try:
            while (gap := incoming.missing(start, stop)) is not None:
                offset, end = gap[0] // BLOCK * BLOCK, min(-(-gap[1] // BLOCK) * BLOCK, base.size)
                incoming.write(offset, os.pread(source, end - offset, offset))
            if incoming.missing(0, base.size) is None:
                self._replica.install_content(
                    node, incoming, base, local.version, keep=False, why="fetched"
                )
        finally:
            os.close(source)
            incoming.close()

    async def begin(self, _node: NodeId) -> None: ...

    async def prove(self, _node: NodeId, *, broken: bool = False) -> bool:
        await trio.lowlevel.checkpoint()
        return not broken


class Orders:
    """What a test may have done inside the drive's process: what the reconciler will do there, and
    accidents."""

    def __init__(self, replica: Replica, fs: FileSystem) -> None:
        self._replica = replica
        self._fs = fs

    def _find(self, path: str) -> NodeId:
        node = ROOT
        for name in Path(path).parts:
            child = self._replica.local_child(node, name)
            assert child is not None, path
            node = child
        return node

    def _base(self, path: str, kind: Kind, size: int, mtime: int, inode: int = 0) -> Base:
        parent, name = os.path.split(path)
        return Base(kind, self._find(parent), name, size, mtime, inode, 0)

    def place_folder(self, path: str) -> None:
        self._replica.place_folder(
            self._replica.new_id(), self._base(path, Kind.FOLDER, 0, 1_700_000_000)
        )

    def place_file(self, path: str, size: int, mtime: int) -> None:
        self._replica.place_file(self._replica.new_id(), self._base(path, Kind.FILE, size, mtime))

    def place_many(self, path: str, count: int) -> None:
        """As many files, all at once."""
        for number in range(count):
            self.place_file(f"{path}/{number}", 0, 1_700_000_000)

    def install_content(self, path: str, text: str, mtime: int) -> None:
        node = self._find(path)
        local = self._replica.local(node)
        assert local is not None
        data = text.encode()
        incoming = self._replica.incoming(node, len(data), mtime)
        incoming.write(0, data)
        base = self._base(path, Kind.FILE, len(data), mtime)
        self._replica.install_content(node, incoming, base, local.version, keep=False, why="test")
        incoming.close()

    def move_local(self, path: str, target: str) -> None:
        parent, name = os.path.split(target)
        self._replica.move_local(self._find(path), Place(self._find(parent), name), None)

    def touch_local(self, path: str, mtime_ns: int) -> None:
        self._replica.touch_local(self._find(path), mtime_ns, None)

    def delete_local(self, path: str) -> None:
        self._replica.delete_local(self._find(path), keep=True, why="test")

    async def passed_on(self) -> None:
        """Returns when the kernel was told of all that these orders changed."""
        await self._fs.names.passed_on()

    def state(self, path: str) -> dict[str, Any]:
        local = self._replica.local(self._find(path))
        assert local is not None
        return {
            "size": local.size,
            "mtime_ns": local.mtime_ns,
            "busy": local.busy,
            "held_open": local.open_for_writing,
            "version": local.version,
        }

    def problems(self) -> list[str]:
        """What ``check`` finds."""
        return [each.what for each in check(self._replica)]

    def kept_inodes(self) -> int:
        """Of how many inodes without a name something is kept."""
        return len(self._fs._orphans)

    def heralded(self) -> list[int]:
        """How often the herald looked who watches, and how many calls it made."""
        return heralded

    def changes(self) -> int:
        """The number of the last event."""
        return self._replica.sequence()

    def in_bin(self, path: str) -> None:
        """A copy of it goes to the bin, as what loses a conflict does."""
        self._replica.copy_to_bin(self._find(path), "test")

    def break_handler(self, name: str) -> None:
        """From now on this operation of the file system, ``method`` or ``part.method``, has a
        programming error."""

        def broken(*_args: object, **_names: object) -> None:
            raise ZeroDivisionError("broken on purpose")

        owner, method = self._owner(name)
        setattr(owner, method, broken)

    def mend_handler(self, name: str) -> None:
        delattr(*self._owner(name))

    def _owner(self, name: str) -> tuple[object, str]:
        part, _, method = name.rpartition(".")
        return (getattr(self._fs, part) if part else self._fs), method


heralded = [0, 0]


def count_calls() -> None:
    watched, perform = Announcer._watched, Announcer._perform

    async def looks(announcer: Announcer) -> bool:
        found = await watched(announcer)
        heralded[0] += 1
        return found

    async def calls(announcer: Announcer, act: Any) -> None:
        heralded[1] += 1
        await perform(announcer, act)

    Announcer._watched = looks  # type: ignore[method-assign, assignment]
    Announcer._perform = calls  # type: ignore[method-assign, assignment]


async def obey(orders: Orders) -> None:
    buffer = b""
    stream = trio.lowlevel.FdStream(os.dup(0))
    async with stream:
        async for data in stream:
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                order = json.loads(line)
                try:
                    result = getattr(orders, order.pop("order"))(**order)
                    reply = {"result": await result if inspect.isawaitable(result) else result}
                except Exception as error:  # noqa: BLE001 - the test that gave the order is told
                    reply = {"error": repr(error)}
                sys.stdout.write(json.dumps(reply) + "\n")
                sys.stdout.flush()


async def commit_every_second(replica: Replica) -> None:
    while True:
        await trio.sleep(1)
        try:
            replica.commit()
        except OSError as error:
            log.info("not committed: %s", error)


async def main(options: argparse.Namespace) -> None:
    count_calls()
    replica = Replica.open(options.replica)
    hydrator: Hydrator = (
        FolderHydrator(replica, options.contents) if options.contents else NoHydrator()
    )
    fs = FileSystem(replica, hydrator, read_only=options.read_only)
    frontend = syncin_fuse.frontend
    frontend.prepare(options.mountpoint)

    async def stop_on_signal() -> None:
        # what holds again once this one has ended: it may come twice
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async for _number in signals:
                nursery.cancel_scope.cancel()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop_on_signal)
            nursery.start_soon(commit_every_second, replica)
            nursery.start_soon(obey, Orders(replica, fs))

            async def serve(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
                mount = MountOptions(allow_other=options.allow_other, patience=options.patience)
                await frontend.run(fs, options.mountpoint, options=mount, task_status=task_status)
                nursery.cancel_scope.cancel()

            await nursery.start(serve)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
    finally:
        replica.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("replica", type=Path)
    parser.add_argument("mountpoint", type=Path)
    parser.add_argument("--contents", type=Path)
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--allow-other", action="store_true")
    parser.add_argument("--patience", type=float, default=20.0)
    parser.add_argument("--profile", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        if arguments.profile:
            import cProfile

            profiler = cProfile.Profile()
            profiler.runcall(trio.run, main, arguments)
            profiler.dump_stats(arguments.profile)
        else:
            trio.run(main, arguments)
    except MountError as error:
        sys.exit(f"error: {error}")
