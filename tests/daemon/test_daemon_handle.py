"""A drive's process, as the supervisor holds it."""

from __future__ import annotations

import subprocess
import sys

from syncin_mount.supervisor.processes import Daemon


def test_one_that_ended_while_it_was_unmounted_is_not_asked_to_end():
    """The supervisor unmounts in a thread; meanwhile the process may end, and be let go of."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        daemon = Daemon(process.pid)
        daemon.close()
        daemon.terminate()
        assert process.poll() is None
        process.communicate(b"\n")
    assert process.returncode == 0
