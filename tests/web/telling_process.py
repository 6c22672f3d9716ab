"""A hundred drives that only tell, in a process of their own: ``python -m tests.web.telling_process
HOME COUNT``. It says ``up`` when all are there; each line ``RATE SECONDS`` has it change so many
times a second for so long, and say ``done``. It ends with its input."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path

import trio

from syncin_mount.config import Folders
from tests.web.telling import TellingDrive, at_work, configure


async def run(home: Path, count: int) -> None:
    folders = Folders(home, home / "state", home / "run", portable=True)
    folders.make()
    drives = configure(folders, [f"drive{number}" for number in range(count)], home / "mounts")
    async with AsyncExitStack() as stack:
        for each in drives:
            await stack.enter_async_context(each.up(folders))
        print("up", flush=True)
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            rate, seconds = map(float, line.split())
            await change(drives, rate, seconds)
            print("done", flush=True)


async def change(drives: list[TellingDrive], rate: float, seconds: float) -> None:
    """As often as that, one drive after another; whole again at the end."""
    began = trio.current_time()
    done = 0
    while (now := trio.current_time() - began) < seconds:
        while done < now * rate:
            drive = drives[done % len(drives)]
            number = done // len(drives)
            drive.change(state="syncing", running="run", work=at_work(number % 1000, 1000))
            done += 1
        await trio.sleep(0.002)
    for each in drives:
        each.change(state="idle", running="", work=None, last_run=1.7e9 + done)


if __name__ == "__main__":
    trio.run(run, Path(sys.argv[1]), int(sys.argv[2]))
