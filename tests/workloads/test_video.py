"""A film is watched while it arrives from a slow server."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from reconciler.hydration.readers import READ_AHEAD_BYTES
from tests.workloads.desk import Desk, eventually

BLOCK = 4096
SIZE = 256 * (1 << 20) + 1234
PIECE = 256 * 1024
"""Bytes that the server sends between two pauses."""

PAUSE = 0.01
SLOW = (
    '[[rule]]\nmethod = "GET"\npath = "*/film.mp4"\neffect = "delay"\nwhen = "during"\nseconds ='
    f" {PAUSE}\n"
)
SEEKS = [SIZE - 65_536, SIZE // 2, SIZE // 4 + 77, SIZE - 20 * (1 << 20), 3 * SIZE // 4]
"""As a player does that looks for the index at the end, and whose user is impatient."""


def block(number: int) -> bytes:
    """What stands there: of every 4 MiB one, and else zeros."""
    if number // 256 % 4:
        return bytes(BLOCK)
    return hashlib.blake2b(number.to_bytes(8, "big")).digest() * (BLOCK // 64)


def film(start: int, stop: int) -> bytes:
    first = start // BLOCK
    data = b"".join(block(number) for number in range(first, -(-stop // BLOCK)))
    return data[start - first * BLOCK : stop - first * BLOCK]


def write_film(path: Path) -> None:
    with path.open("wb") as file:
        for number in range(0, SIZE // BLOCK + 1, 1024):
            file.seek(number * BLOCK)
            file.write(film(number * BLOCK, min((number + 256) * BLOCK, SIZE)))
        file.truncate(SIZE)


def carried(desk: Desk) -> list[int]:
    """Bytes of each request for the content."""
    lines = [json.loads(line) for line in desk.requests.read_text().splitlines()]
    return [
        line["bytes_out"]
        for line in lines
        if line["method"] == "GET" and line["path"].endswith("/film.mp4")
    ]


@pytest.mark.timeout(300)
def test_a_film_is_watched_while_it_arrives(desk: Desk) -> None:
    desk.faults.write_text(SLOW)
    path = desk.drive / "film.mp4"
    assert not path.exists()
    desk.must("umount", "docs")
    write_film(desk.disk / "film.mp4")
    desk.mount()
    eventually(path.exists)
    assert path.stat().st_size == SIZE

    def arriving() -> bool:
        return os.getxattr(path, "user.syncin.status") == b"absent"

    started = time.monotonic()
    with path.open("rb", buffering=0) as player:
        assert player.read(65_536) == film(0, 65_536)
        for offset in SEEKS:
            assert os.pread(player.fileno(), 65_536, offset) == film(
                offset, min(offset + 65_536, SIZE)
            )
        seconds = time.monotonic() - started
        # All of it takes a server with such pauses far longer than these few places.
        assert arriving()
        found = player.tell()
        while data := player.read(1 << 20):
            assert data == film(found, found + len(data)), found
            found += len(data)
    assert found == SIZE
    print(
        f"\nfirst bytes and {len(SEEKS)} seeks: {seconds:.2f} s; all:"
        f" {time.monotonic() - started:.1f} s"
    )
    eventually(lambda: not arriving())
    desk.sync()
    # What a seek fetched comes once more with the stream that fetches all of it, and nothing else
    # does.
    requests = carried(desk)
    assert sum(1 for each in requests if each > READ_AHEAD_BYTES) <= 2, requests
    assert sum(requests) <= 1.5 * SIZE, requests
    desk.mount_again()
    with path.open("rb") as again, (desk.disk / "film.mp4").open("rb") as there:
        assert (
            hashlib.file_digest(again, "sha256").digest()
            == hashlib.file_digest(there, "sha256").digest()
        )
