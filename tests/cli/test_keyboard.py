"""q ends what stays on the screen; the terminal is as it was, and Ctrl-C works as before."""

from __future__ import annotations

import sys
import termios
from pathlib import Path

import pexpect
import pytest

LIMIT = 60


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("Q", 0), ("x\x03", 0)])
def test_a_key_ends_the_watch(tmp_path: Path, key: str, status: int):
    child = pexpect.spawn(
        sys.executable,
        ["-m", "syncin_mount", "status", "--watch"],
        env={"SYNCIN_MOUNT_HOME": str(tmp_path), "TERM": "xterm-256color", "PATH": "/usr/bin:/bin"},
        timeout=LIMIT,
        encoding="utf-8",
    )
    try:
        before = termios.tcgetattr(child.child_fd)
        child.expect("no synchronizations yet")
        child.send(key)
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == status
        assert termios.tcgetattr(child.child_fd) == before
        assert "Traceback" not in child.before
    finally:
        child.close(force=True)
