"""A panel that shows an icon, in a process of its own: ``python -m tests.tray.panel_process BUS``.
It says ``shown`` when it has read the icon and its menu, and ends with its input."""

from __future__ import annotations

import sys

import trio

from tests.tray.panels import panel


async def run(address: str) -> None:
    async with panel(address) as found:
        await found.properties()
        await found.labels()
        print("shown", flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    trio.run(run, sys.argv[1])
