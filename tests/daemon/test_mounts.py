from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncin_mount import mount_table
from syncin_mount.mount_table import Mount, is_ours, mounted_at, users
from syncin_mount.system.processes import alive

TABLE = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
40 22 0:44 / /home/user1/my\040drive rw,nosuid - fuse.syncin-mount syncin-mount rw,user_id=1000
41 22 0:45 / /mnt/twice rw - tmpfs tmpfs rw
42 41 0:46 / /mnt/twice rw master:1 shared:2 - fuse other rw
"""


@pytest.fixture
def table(tmp_path, monkeypatch):
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    monkeypatch.setattr(mount_table, "_MOUNTS", path)


def test_the_mount_table_is_read(table):
    assert mounted_at(Path("/home/user1/my drive")) == Mount(
        Path("/home/user1/my drive"), "fuse.syncin-mount", "syncin-mount"
    )
    assert mounted_at(Path("/home/user1")) is None


def test_the_topmost_mount_counts(table):
    assert mounted_at(Path("/mnt/twice")) == Mount(Path("/mnt/twice"), "fuse", "other")


def test_only_fuse_can_be_ours(table):
    assert [mount.point.name for mount in mount_table.mounts() if is_ours(mount)] == [
        "my drive",
        "twice",
    ]


def test_who_uses_a_folder(tmp_path):
    inside = tmp_path / "used"
    inside.mkdir()
    (tmp_path / "used not").mkdir()
    program = "import sys; print(flush=True); sys.stdin.read()"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for cwd in (inside, tmp_path / "used not")
    ]
    try:
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        found = users(inside)
        assert [f"({others[0].pid})" in each for each in found] == [True]
    finally:
        for other in others:
            other.communicate()


def test_a_process_that_ended_is_not_alive_though_nobody_collected_it():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(process.pid)
    process.wait()
    assert not alive(process.pid)
    assert alive(os.getpid())
