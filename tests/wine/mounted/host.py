"""The frontend for Windows as it is, in a daemon as it is; beside it the programs that use the
drive.

There is no driver inside Wine. Its stand-in (tests/winfsp) is a library, and so in the daemon's own
process, with the kernel of tests and the programs above it. A test outside asks for what they are
to do over a connection of this computer: a line of JSON each way. The file that `PLACE` names has
the port.
"""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio

from syncin_winfsp import frontend as real

if TYPE_CHECKING:
    from syncin_mount.vfs import FileSystem, MountOptions

PLACE: Final = "SYNCIN_WINE_DRIVER"
"""The variable with the file's path."""
_LONGEST: Final = 1 << 20


class Hosted:
    """A `Frontend` of `syncin_mount.vfs`."""

    def prepare(self, mountpoint: Path) -> None:
        real.prepare(mountpoint)

    def abort(self, mountpoint: Path) -> bool:
        return real.abort(mountpoint)

    async def run(
        self,
        fs: FileSystem,
        mountpoint: Path,
        *,
        options: MountOptions,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        async with trio.open_nursery() as nursery:

            async def show(*, task_status: trio.TaskStatus[None]) -> None:
                await real.run(fs, mountpoint, options=options, task_status=task_status)
                nursery.cancel_scope.cancel()

            await nursery.start(show)
            await nursery.start(_answer, fs)
            task_status.started()


async def _answer(fs: FileSystem, *, task_status: trio.TaskStatus[None]) -> None:
    from tests.wine.mounted.programs import Programs  # what it needs is there inside Wine alone

    programs = Programs(fs, trio.lowlevel.current_trio_token())
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def serve(stream: trio.SocketStream) -> None:
        asked = b""
        while not asked.endswith(b"\n"):
            asked += await stream.receive_some(_LONGEST)
        said = await trio.to_thread.run_sync(_told, programs, json.loads(asked))
        await stream.send_all(json.dumps(said).encode() + b"\n")

    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve, [listener])
        place = Path(os.environ[PLACE])
        fresh = place.with_suffix(".new")
        fresh.write_text(str(listener.socket.getsockname()[1]))
        fresh.replace(place)
        task_status.started()


def _told(programs: Any, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": getattr(programs, asked["act"])(**asked["how"])}
    except Exception:  # noqa: BLE001 - the test outside shows it
        return {"failure": traceback.format_exc()}


frontend = Hosted()
