"""What the herald's calls are compared with; no mount."""

from __future__ import annotations

import errno
from pathlib import Path

import pyfuse3
import pytest

from reconciler.model import ROOT
from syncin_fuse.announcer import Announcer, _Act
from syncin_fuse.operations import Operations
from syncin_mount.store import Replica
from syncin_mount.vfs import FileSystem, NoHydrator


async def test_a_call_from_which_the_drive_has_gone_on_is_refused(tmp_path: Path):
    """Else the kernel would take away a name that a user has just made."""
    replica = Replica.open(tmp_path / "replica")
    fs = FileSystem(replica, NoHydrator())
    announcer = Announcer(fs, tmp_path, Operations(fs).show, everybody=True)

    def refused(verb: bytes, name: bytes) -> int:
        with pytest.raises(pyfuse3.FUSEError) as error:
            announcer.change(verb, ROOT, name)
        return int(error.value.errno)

    assert refused(b"unlink", b"name") == errno.EPERM  # nothing was ordered
    announcer._act = act = _Act(b"unlink", [b"name"], {}, (ROOT, b"name"), None)
    fs.mknod(ROOT, b"name", 0o100644, 0, 1, 1)
    assert refused(b"unlink", b"name") == errno.EAGAIN
    assert refused(b"unlink", b"another") == errno.EPERM
    assert refused(b"rmdir", b"name") == errno.EPERM
    assert [act.done] == [False]
    fs.unlink(ROOT, b"name")
    sequence = replica.sequence()
    assert announcer.change(b"unlink", ROOT, b"name") is None
    assert act.done
    assert replica.sequence() == sequence
    fs.close()
    replica.close()
