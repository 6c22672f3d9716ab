"""A drive over a real replica, mounted by the frontend as it is; above it the kernel of tests."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trio

from syncin_mount.vfs import MountOptions
from tests.vfs.conftest import World
from tests.winfsp.kernel import Kernel
from tests.winfsp.transports import transport

WAIT = 30.0
"""Seconds after which a test that waits has failed."""


class Mounted:
    """The trio thread has the replica. ``kernel`` is for the test's own thread."""

    def __init__(self, folder: Path, *, read_only: bool = False, label: str = "docs") -> None:
        self.world: Any = None
        self.failure: BaseException | None = None
        self._folder = folder
        self._read_only = read_only
        self._options = MountOptions(label=label, patience=2.0)
        self._started = threading.Event()
        self._scope: trio.CancelScope | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = threading.Thread(target=trio.run, args=(self._main,), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(WAIT)
        if self.failure is None:
            self.kernel = Kernel(transport())

    async def _main(self) -> None:
        from syncin_winfsp import frontend

        self._token = trio.lowlevel.current_trio_token()
        self.world = World(self._folder)
        self.world.fs.read_only = self._read_only
        try:
            async with trio.open_nursery() as nursery:
                self._scope = nursery.cancel_scope
                run = functools.partial(
                    frontend.run, self.world.fs, self._folder, options=self._options
                )
                await nursery.start(run)
                self._started.set()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.failure = error
        finally:
            self.world.replica.close()
            self._started.set()

    def run(self, act: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """In the trio thread."""
        return trio.from_thread.run_sync(
            functools.partial(act, *args, **options), trio_token=self._token
        )

    def wait(self, act: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The same for what waits."""
        return trio.from_thread.run(
            functools.partial(act, *args, **options), trio_token=self._token
        )

    def stop(self) -> None:
        if self._thread.is_alive():
            assert self._scope is not None
            trio.from_thread.run_sync(self._scope.cancel, trio_token=self._token)
        self._thread.join(WAIT)
        assert not self._thread.is_alive()


@contextmanager
def mounted(folder: Path, **options: Any) -> Iterator[Mounted]:
    """Nothing is open in the end."""
    drive = Mounted(folder, **options)
    try:
        drive.start()
        if drive.failure is not None:
            raise drive.failure
        yield drive
        assert drive.kernel.open_handles() == 0
        assert drive.run(lambda: len(drive.world.fs.pins)) == 0
        assert drive.run(lambda: len(drive.world.fs._files)) == 0
        assert drive.run(lambda: len(drive.world.fs._orphans)) == 0
    finally:
        drive.stop()
    assert drive.failure is None
