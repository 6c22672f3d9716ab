"""What is still to come is compared with the room on the disk, whatever state the disk is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncin_mount.app.runtime.free_space import Need, lacking, room_for

HUGE = Need.of(1, 1 << 60)


def test_too_little_room_is_told(tmp_path: Path):
    assert lacking(Need.of(1, 1), tmp_path) is None
    room = lacking(HUGE, tmp_path)
    assert room is not None
    assert room.need == HUGE


def test_a_disk_that_tells_nothing_keeps_nobody_from_looking(tmp_path: Path):
    """Here its name is too long; a failing disk gives EIO."""
    folder = tmp_path / ("x" * 300)
    with pytest.raises(OSError, match="too long"):
        room_for(HUGE, folder)
    assert lacking(HUGE, folder) is None
