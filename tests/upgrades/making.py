"""A replica with some of everything, as this version leaves it when its process is killed with
changes that the server lacks. Real parts only: a server, a mounted drive, commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tarfile
import time
from pathlib import Path
from typing import Any

from syncin_mount import __version__
from syncin_mount.cli.demo.sandbox import Sandbox
from syncin_mount.config import Folders
from syncin_mount.control.transport import listener_of
from syncin_mount.mount_table import unmount

DATA = Path(__file__).parent / "data"
PROFILE, ACCOUNT, NAME = "home", "cloud", "docs"
NOT_UTF8 = b"caf\xe9.txt"
MANIFEST = "manifest.json"

BEFORE = {
    "kept.txt": "as it was sent\n",
    "edited.txt": "before the edit\n",
    "both.txt": "the common version\n",
    "gone there.txt": "deleted on the server\n",
    "gone here.txt": "deleted on this computer\n",
    "folder/inner.txt": "in a folder\n",
    "folder/moved.txt": "moved out of it\n",
}
"""What both sides had."""

AFTER = {
    "kept.txt": "as it was sent\n",
    "kept link.txt": "as it was sent\n",
    "edited.txt": "after the edit, which the server lacks\n",
    "both.txt": "the remote version, later\n",
    "folder/inner.txt": "in a folder\n",
    "moved.txt": "moved out of it\n",
    "new/new.txt": "written while the server was away\n",
}
"""What the server is to have in the end."""

HELD = "held.txt"
IN_BIN = {"both.txt": "the local version\n"}
"""What can be restored, by its path."""

LIMIT_S = 60.0


def folders_of(sandbox: Sandbox) -> Folders:
    """The program's own folders in the sandbox."""
    home = sandbox.base / PROFILE
    return Folders(home, home / "state", home / "run", portable=True)


def add(sandbox: Sandbox) -> Path:
    """An account, and a synchronization of the folder that is on the server; its mount point."""
    drive = sandbox.base / "drive"
    sandbox.start_server(sandbox.base / "requests.log")
    sandbox.log_in(PROFILE, ACCOUNT)
    words = (
        "--server",
        ACCOUNT,
        "--remote",
        f"personal/{NAME}",
        "--mountpoint",
        str(drive),
        "--trash",
        "own",
    )
    sandbox.must(PROFILE, "add", NAME, *words)
    return drive


def put(folder: Path, files: dict[str, str], *, ago_s: int) -> None:
    """Writes them, ``ago_s`` seconds ago."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        at = int(time.time()) - ago_s
        os.utime(path, (at, at))


def until(condition: Any, what: str) -> None:
    """Looks again until it holds: other processes work at it. Raises TimeoutError."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)  # asks again: another process


def live(sandbox: Sandbox, drive: Path) -> None:
    """Everything that is sent, and what the server's versions left here."""
    there = sandbox.server_files / NAME
    sandbox.mount(PROFILE, NAME)
    sandbox.must(PROFILE, "sync", "--wait", NAME)
    for name, text in BEFORE.items():
        assert (drive / name).read_text() == text
    os.link(drive / "kept.txt", drive / "kept link.txt")
    os.setxattr(drive / "kept.txt", "user.color", b"green")
    os.symlink("kept.txt", drive / "symbolic")
    # The server cannot have a name that is no UTF-8: it waits for good.
    (Path(os.fsdecode(os.fsencode(drive) + b"/" + NOT_UTF8))).write_text("only here\n")
    sandbox.run(PROFILE, "sync", NAME)
    until((there / "kept link.txt").exists, "the hard link on the server")
    sandbox.must(PROFILE, "pause", NAME)
    put(drive, {"both.txt": IN_BIN["both.txt"]}, ago_s=3600)
    put(there, {"both.txt": AFTER["both.txt"]}, ago_s=60)
    (there / "gone there.txt").unlink()
    sandbox.must(PROFILE, "resume", NAME)
    sandbox.run(PROFILE, "sync", NAME)
    assert (drive / "both.txt").read_text() == AFTER["both.txt"]
    assert not (drive / "gone there.txt").exists()


def work_offline(sandbox: Sandbox, drive: Path) -> None:
    """What only the journal has in the end, as the process is killed."""
    sandbox.stop_server()
    put(drive, {HELD: "not to be sent\n"}, ago_s=600)
    waiting = json.loads(sandbox.must(PROFILE, "journal", "list", NAME, "--json"))
    held = next(each for each in waiting if each["path"].endswith(HELD))
    sandbox.must(PROFILE, "journal", "hold", NAME, str(held["number"]))
    put(drive, {"edited.txt": AFTER["edited.txt"]}, ago_s=500)
    (drive / "gone here.txt").unlink()
    (drive / "folder" / "moved.txt").rename(drive / "moved.txt")
    put(drive, {"new/new.txt": AFTER["new/new.txt"]}, ago_s=400)
    pid = listener_of(folders_of(sandbox).socket(NAME))
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists(), "the daemon's end")
    unmount(drive, lazily=True)


def make(target: Path, base: Path) -> None:
    """Makes the archive ``target``, in the new folder ``base``."""
    with Sandbox(base) as sandbox:
        put(sandbox.server_files / NAME, BEFORE, ago_s=7200)
        drive = add(sandbox)
        live(sandbox, drive)
        work_offline(sandbox, drive)
        replica = folders_of(sandbox).replica(NAME)
        parts = base / "parts"
        shutil.copytree(replica, parts / "replica", symlinks=True)
        shutil.copytree(sandbox.server_files / NAME, parts / "server")
        (parts / "replica" / "reserve").write_bytes(b"")  # a start makes it as large as it must be
        number = int((replica / "format").read_text())
        (parts / MANIFEST).write_text(json.dumps({"version": __version__, "format": number}))
        with tarfile.open(target, "w:xz", format=tarfile.PAX_FORMAT) as archive:
            for part in sorted(parts.iterdir()):
                archive.add(part, part.name)
