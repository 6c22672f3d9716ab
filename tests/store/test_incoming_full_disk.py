"""What a full disk leaves of a content that was arriving: whatever the file says it holds did
arrive."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount import system
from syncin_mount.store.content.handles import IncomingFile
from tests.small_disk import SmallDisk, small_disk

SIZE = 400_000
PIECE = 65_536
WHOLE = os.urandom(SIZE).replace(b"\0", b"\1")


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", request.param, 40) as made:
        yield made


def arrive(path: Path) -> tuple[int, int | None]:
    """Writes until it is whole or refused: how much was written, and the refusal's number."""
    incoming = IncomingFile(path, 1, SIZE, 1)
    incoming.users = 1
    written = 0
    try:
        while written < SIZE:
            incoming.write(written, WHOLE[written : written + PIECE])
            written += PIECE
    except OSError as error:
        return written, error.errno
    finally:
        incoming.close()
    return written, None


def believed(path: Path) -> list[int]:
    """Where a later process takes the file for written, by whole blocks; what is there must have
    arrived."""
    incoming = IncomingFile(path, 1, SIZE, 1)
    incoming.users = 1
    blocks = [
        start for start in range(0, SIZE, 4096) if incoming.missing(start, start + 4096) is None
    ]
    for start in blocks:
        assert system.pread(incoming.fd, 4096, start) == WHOLE[start : start + 4096]
    incoming.close()
    return blocks


@pytest.mark.slow
@pytest.mark.parametrize("reserving", [True, False], ids=["reserving", "not reserving"])
def test_what_did_not_arrive_is_not_taken_for_arrived(
    disk: SmallDisk, reserving: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not reserving:
        monkeypatch.setattr(system, "reserve", lambda *_: None)
    full = 0
    for leave in range(12_000, 340_000, 27_000):
        path = disk.path / f"1-{SIZE}-{leave}"
        disk.fill(leave=leave)
        written, refused = arrive(path)
        kept = believed(path)
        if refused is not None:
            assert refused == errno.ENOSPC
            full += 1
            assert len(kept) == (written // 4096 if reserving else 0)
        path.unlink()
        disk.free()
    assert full > 5
