"""`up --at-login --for-user`: what runs as that user has nothing of root's."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount.app.errors import NotPossible
from syncin_mount.app.processes import at_login
from syncin_mount.cli.commands import _systemd_unit
from syncin_mount.cli.exit_status import CommandError

ACCOUNT = "games"
"""One that every Debian has and nobody uses."""

LOOK = """#!/bin/sh
{ id -u; id -g; id -G; umask; pwd; env; cat; } > "%s"
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may use."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    made = Path(tempfile.mkdtemp(prefix="syncin-for-user-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def test_the_interpreter_is_tried_as_that_user_alone(place: Path, monkeypatch: pytest.MonkeyPatch):
    program = place / "python"
    program.write_text(LOOK % (place / "seen"))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    for name in (
        "SYNCIN_MOUNT_HOME",
        "XDG_CONFIG_HOME",
        "PYTHONPATH",
        "SSH_AUTH_SOCK",
        "SECRET_OF_ROOT",
    ):
        monkeypatch.setenv(name, "/home-of-root/x")
    before = os.getgroups()
    os.setgroups([0, 4, 6])
    try:
        _systemd_unit._must_run_as(ACCOUNT)
    finally:
        os.setgroups(before)
    account = pwd.getpwnam(ACCOUNT)
    uid, gid, groups, umask, folder, *environment = (place / "seen").read_text().splitlines()
    assert (int(uid), int(gid)) == (account.pw_uid, account.pw_gid)
    own = {each.gr_gid for each in grp.getgrall() if ACCOUNT in each.gr_mem} | {account.pw_gid}
    assert {int(each) for each in groups.split()} == own
    assert int(umask, 8) == 0o077
    assert folder == "/"
    assert f"HOME={account.pw_dir}" in environment
    assert not [each for each in environment if "root" in each.lower()]
    made = (place / "seen").stat()
    assert (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) == (
        account.pw_uid,
        account.pw_gid,
        0o600,
    )


@pytest.mark.parametrize("kind", ["masked", "somebody's", "folder"])
def test_a_unit_of_somebody_else_stays(tmp_path: Path, kind: str):
    unit = tmp_path / "syncin-mount.service"
    (tmp_path / "target").write_text("")
    if kind == "masked":
        unit.symlink_to(tmp_path / "target")
    elif kind == "folder":
        unit.mkdir()
    else:
        unit.write_text("[Unit]\n")
    with pytest.raises(NotPossible, match="not by this program"):
        at_login.write_unit(unit, "new")
    assert unit.is_dir() or unit.read_text() != "new"


def test_an_unknown_user_is_named():
    with pytest.raises(CommandError, match="there is no user 'nobody-at-all'"):
        _systemd_unit._must_run_as("nobody-at-all")
