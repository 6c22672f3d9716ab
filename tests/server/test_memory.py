"""Big files in both directions through bounded memory, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import trio

from syncin_mount.remote import register
from tests.server.support import PASSWORD, World

SIZE = 200_000_000

SCRIPT = """
import hashlib, pathlib, sys, trio
from syncin_mount.remote import Folder, ServerAccount, Session
from tests.server.support import Memory

url, client_id, token, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
block = bytes(range(256)) * 4096

async def read(offset, length):
    start = offset % len(block)
    return block[start:start + length]

def peak():
    # Not ru_maxrss: that one is inherited through exec.
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024

async def main():
    digest = hashlib.new("sha512_256")
    left = size
    while left:
        digest.update(block[:left]); left -= min(left, len(block))
    async with Session(ServerAccount("home", url, "user1", client_id), Memory(token)) as session:
        folder = Folder(session, "personal/x")
        assert await folder.find("big") is None
        before = peak()
        await folder.upload("big", read, size=size, mtime=5, checksum=digest.hexdigest(), replace=False)
        up = peak()
        found = await folder.find("big")
        seen = hashlib.new("sha512_256")
        async with folder.download("big", start=0, stop=size, expect=found) as pieces:
            async for piece in pieces:
                assert len(piece) <= 256 * 1024
                seen.update(piece)
        assert seen.hexdigest() == digest.hexdigest()
        print(up - before, peak() - before)

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_memory_does_not_grow_with_the_file(world: World, tmp_path: Path) -> None:
    client_id = str(uuid.uuid4())
    token = await register(world.url, "user1", PASSWORD, None, client_id)
    script = tmp_path / "transfer.py"
    script.write_text(SCRIPT)
    done = await trio.run_process(
        [sys.executable, "-W", "error", script, world.url, client_id, token, str(SIZE)],
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
    up, both = map(int, done.stdout.split())
    assert up < 40_000_000
    assert both < 40_000_000
    assert both > 0
    assert (world.disk / "big").stat().st_size == SIZE
