"""A document that is saved as well-known programs save it is one PUT on its path, and nothing else.

Each way is the sequence of system calls that the program makes (as strace shows them), in a real
drive of a real daemon, and the embedded server counts. vim itself is run too, where it is
installed. What lies beside the document while it is open (lock, owner and swap files) is there for
longer than changes need to settle.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from tests.cli.conftest import World, until

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

OLD = b"what was in the document\n" * 100
NEW = OLD.replace(b"was in", b"is now in")
OPEN = 4.0
"""Seconds that a document stays open, before and after it is saved: twice what changes need to
settle."""


def write_all(path: Path, data: bytes, flags: int, mode: int = 0o666) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, mode)
    try:
        for offset in range(0, len(data), 1000):
            os.write(fd, data[offset : offset + 1000])
        os.fsync(fd)
    finally:
        os.close(fd)


Steps = Iterator[None]
"""A program at work: it yields when its user does nothing for a while."""


def in_place(document: Path) -> Steps:
    """nano, and everything that just writes."""
    write_all(document, NEW, os.O_TRUNC)
    yield


def vim_swap(document: Path) -> int:
    """What lies beside the document while vim has it open; a second one is only tried out."""
    fd = os.open(
        document.with_name(f".{document.name}.swp"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600
    )
    other = document.with_name(f".{document.name}.swx")
    os.close(os.open(other, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    other.unlink()
    os.write(fd, b"b0VIM 9.0".ljust(4096, b"\0"))
    return fd


def vim_end(document: Path, swap: int) -> None:
    os.close(swap)
    document.with_name(f".{document.name}.swp").unlink()


def vim_tries_the_folder(document: Path) -> None:
    """Whether a file can be made here, with the document's owner; the name is vim's own."""
    probe = document.with_name("4913")
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o100644))
    probe.stat()
    probe.unlink()


def vim_rename(document: Path) -> Steps:
    """``backupcopy=no`` (and ``auto``, mostly) with ``writebackup``: the old file becomes the
    backup until the new one is on the disk."""
    swap = vim_swap(document)
    yield
    vim_tries_the_folder(document)
    backup = document.with_name(f"{document.name}~")
    mode = document.stat().st_mode
    document.rename(backup)
    write_all(document, NEW, os.O_TRUNC, 0o644)
    document.chmod(mode & 0o7777)
    backup.unlink()
    os.pwrite(swap, b"saved".ljust(4096, b"\0"), 4096)
    yield
    vim_end(document, swap)


def vim_copy(document: Path) -> Steps:
    """``backupcopy=yes`` with ``writebackup``: the backup is a copy, and the document is written in
    place."""
    swap = vim_swap(document)
    yield
    backup = document.with_name(f"{document.name}~")
    write_all(backup, document.read_bytes(), os.O_EXCL, 0o600)
    found = document.stat()
    os.utime(backup, ns=(found.st_atime_ns, found.st_mtime_ns))
    write_all(document, NEW, os.O_TRUNC)
    backup.unlink()
    yield
    vim_end(document, swap)


def vim_plain(document: Path) -> Steps:
    """``nowritebackup``."""
    swap = vim_swap(document)
    yield
    write_all(document, NEW, os.O_TRUNC)
    yield
    vim_end(document, swap)


def libreoffice(document: Path) -> Steps:
    lock = document.with_name(f".~lock.{document.name}#")
    write_all(
        lock, b",user1,desk,25.11.2026 12:00,file:///home/user1/.config/libreoffice/4;", os.O_EXCL
    )
    yield
    temporary = document.with_name("lu31415926abcd.tmp")
    write_all(temporary, NEW, os.O_EXCL, 0o600)
    temporary.chmod(document.stat().st_mode & 0o7777)
    temporary.rename(document)
    yield
    lock.unlink()


def glib(document: Path) -> Steps:
    """gedit and everything that saves by g_file_replace."""
    yield
    temporary = document.with_name(".goutputstream-X1Y2Z3")
    fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    os.fchmod(fd, document.stat().st_mode & 0o7777)
    os.write(fd, NEW)
    os.fsync(fd)
    temporary.rename(document)  # before it is closed
    os.close(fd)
    yield


def word(document: Path) -> Steps:
    owner = document.with_name(f"~${document.name[2:]}")
    write_all(owner, b"\x05user1".ljust(162, b" "), os.O_EXCL)
    yield
    temporary, old = document.with_name("~WRD0000.tmp"), document.with_name("~WRL0001.tmp")
    write_all(temporary, b"", os.O_EXCL)
    write_all(temporary, NEW, 0)
    document.rename(old)
    temporary.rename(document)
    old.unlink()
    yield
    owner.unlink()


def real_vim(*settings: str) -> Callable[[Path], Steps]:
    def save(document: Path) -> Steps:
        pause = f"sleep {int(OPEN)}"
        commands = [
            f"set swapfile updatecount=1 {' '.join(settings)}",
            f"edit {document}",
            "%s/was in/is now in/",
            pause,
            "write",
            pause,
        ]
        # Silent as it is, it tells nowhere else why it does not do something.
        told = document.parents[2] / f"vim in {document.parent.name}"
        words = ["vim", "-u", "NONE", "-i", "NONE", "-N", "-es", f"-V1{told}"]
        words += [f"+{each}" for each in commands]
        done = subprocess.run(
            [*words, "+quit!"],
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        assert done.returncode == 0, (
            told.read_text(),
            document.stat(),
            os.listdir(document.parent),
        )
        yield

    return save


WAYS = {
    "in place": in_place,
    "vim, backupcopy=no": vim_rename,
    "vim, backupcopy=yes": vim_copy,
    "vim, nowritebackup": vim_plain,
    "LibreOffice": libreoffice,
    "gedit (GLib)": glib,
    "Word": word,
}
REAL_VIM = {
    "real vim, backupcopy=auto": real_vim("writebackup"),
    "real vim, backupcopy=no": real_vim("writebackup", "backupcopy=no"),
    "real vim, backupcopy=yes": real_vim("writebackup", "backupcopy=yes"),
    "real vim, nowritebackup": real_vim("nowritebackup"),
}


def asked(world: World, mark: int) -> dict[str, list[str]]:
    """Every request since that changed something on the server, or fetched a content, by the folder
    that it was for."""
    found: dict[str, list[str]] = {}
    for each in list(world.dev.requests)[mark:]:
        if "/sync/operation/" in each.path and "/diff/" not in each.path and each.method != "HEAD":
            *_, folder, name = each.path.split("/")
            found.setdefault(folder, []).append(f"{each.method} {name}")
    return found


async def quiet(world: World) -> None:
    """Everything is on the server."""

    async def nothing_waits() -> bool:
        return bool(await world.json("journal", "docs") == [])

    await until(nothing_waits, "an empty journal")


async def test_a_saved_document_is_one_put(world: World) -> None:
    """All ways at once, each in a folder of its own."""
    ways = WAYS | (REAL_VIM if shutil.which("vim") else {})
    folders = {f"way {number}": way for number, way in enumerate(ways)}
    for folder in folders:
        (world.disk / folder).mkdir()
        (world.disk / folder / "report.docx").write_bytes(OLD)
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    await world.must("sync", "docs")
    for folder in folders:
        assert (world.drive / folder / "report.docx").read_bytes() == OLD
    mark = len(world.dev.requests)

    def use(folder: str) -> None:
        for _ in ways[folders[folder]](world.drive / folder / "report.docx"):
            time.sleep(OPEN)

    async with trio.open_nursery() as nursery:
        for folder in folders:
            nursery.start_soon(trio.to_thread.run_sync, use, folder)
    await quiet(world)
    await world.must("sync", "docs")
    requests = asked(world, mark)
    assert {way: requests.get(folder) for folder, way in folders.items()} == {
        way: ["PUT report.docx"] for way in ways
    }
    for folder in folders:
        assert (world.disk / folder / "report.docx").read_bytes() == NEW
        assert (world.drive / folder / "report.docx").read_bytes() == NEW
        assert os.listdir(world.disk / folder) == ["report.docx"]
    assert not [
        path
        for path in (world.base / "data" / "users" / "user1" / "trash").rglob("*")
        if path.is_file()
    ]
