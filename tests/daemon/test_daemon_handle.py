"""A drive's process, as the supervisor holds it."""

from __future__ import annotations

import os
import subprocess
import sys

from syncin_mount.supervisor.processes import Daemon


def test_one_that_ended_while_it_was_unmounted_is_not_asked_to_end():
    """The supervisor unmounts in a thread; meanwhile the process may end, and be let go of."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        daemon = Daemon(process.pid)
        daemon.close()
        daemon.ask_to_end()
        assert process.poll() is None
        process.communicate(b"\n")
    assert process.returncode == 0


def test_an_end_is_seen_before_anybody_waited_for_it():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        daemon = Daemon(process.pid)
        assert not daemon.has_ended()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays uncollected
        assert daemon.has_ended()
        daemon.close()
