"""One process a replica, and what the last one left behind."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

from syncin_mount.store import system
from syncin_mount.store.errors import NewerFormat, ReplicaError, ReplicaInUse
from syncin_mount.store.pages import IndexFile
from syncin_mount.store.records import FORMAT, U64

log = logging.getLogger(__name__)

_PID_WIDTH = 20
_FORMAT_DIGITS = 9


def prepare(folder: Path) -> None:
    """Makes the folder if it is not there. Raises ReplicaError when it is something else, NewerFormat."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ReplicaError(f"{folder} is not a folder, so it cannot hold a replica; choose another place.") from None
    name = folder / "format"
    if not name.exists():
        strangers = {found.name for found in folder.iterdir()} - {"lock", "format.new"}
        if strangers & {"index", "objects", "journal"}:
            raise _no_format(folder, "is missing")
        if strangers:
            raise ReplicaError(
                f"{folder} holds other things ({min(strangers)}) and no replica; choose an empty folder."
            )
        return
    text = name.read_text(errors="replace").strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > _FORMAT_DIGITS:
        raise _no_format(folder, "does not hold a format number")
    if int(text) > FORMAT:
        advice = "use that version."
        if is_flipped(folder):
            advice = f"use that version; if there is none, 'syncin-mount check {folder.name} --repair' puts it right."
        raise NewerFormat(
            f"the replica in {folder} has format {text} and this program knows {FORMAT}: a later version wrote it; "
            f"{advice}"
        )


def is_flipped(folder: Path) -> bool:
    """Whether the format number is most likely that of the index, with one bit flipped: a later program would state its
    own in the index, too."""
    text, told = (folder / "format").read_bytes().strip(), str(_format_of_index(folder) or "").encode()
    if len(text) != len(told):
        return False
    return sum((one ^ other).bit_count() for one, other in zip(text, told, strict=True)) == 1


def _no_format(folder: Path, why: str) -> ReplicaError:
    return ReplicaError(
        f"the file 'format' in {folder} {why}: the replica is damaged; nothing was changed: "
        f"'syncin-mount check {folder.name} --repair' saves what is there."
    )


def _format_of_index(folder: Path) -> int | None:
    """The format number that the index has of its last commit; None for an older one, or one that cannot be read."""
    file = IndexFile(folder / "index" / "data.mdb")
    told = dict(file.table("meta")).get(b"format")
    return int(U64.unpack(told)[0]) if told is not None and len(told) == U64.size and not file.faults else None


def state_format(folder: Path) -> None:
    """Writes the format number where there is none, or an older one: every later format holds what those before it
    hold. Before anything is recorded that an older program could not read."""
    path = folder / "format"
    stated = f"{FORMAT}\n"
    if not path.exists() or path.read_text(errors="replace") != stated:
        write_whole(path, stated)


def write_whole(path: Path, text: str) -> None:
    """Writes a small file so that after any stop it is either as before or complete."""
    new = path.with_name(path.name + ".new")
    fd = os.open(new, system.OPEN | os.O_TRUNC, 0o600)
    try:
        if os.write(fd, text.encode()) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(fd)
    finally:
        os.close(fd)
    new.replace(path)
    system.sync_folder(path.parent)


REPAIRING = "repairing"
"""The file that says that a new index is complete and takes the old one's place: with the number of that repair."""


def finish_repair(folder: Path) -> None:
    """Puts a repair's new index into its place, however far the last process came with it. The lock must be held."""
    mark = folder / REPAIRING
    if not mark.exists():
        return
    text = mark.read_text(errors="replace").strip()
    aside = folder / "damaged" / (text if text.isdecimal() else "unknown")
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("journal", "index"):
        if name == "index" and not (folder / "index.new").exists():
            continue  # it is in its place already
        if (folder / name).exists() and not (aside / name).exists():
            (folder / name).rename(aside / name)
    for path in (aside, aside.parent, folder):
        system.sync_folder(path)
    if (folder / "index.new").exists():
        (folder / "index.new").rename(folder / "index")
    (folder / "journal").mkdir(mode=0o700, exist_ok=True)
    system.sync_folder(folder)
    mark.unlink()
    system.sync_folder(folder)


def _in_use(folder: Path, pid: int) -> str:
    if system.is_dying(pid):
        # Its threads may wait in the kernel for who waits for the drive (docs/crash-table.md, "What a kill can leave").
        return (
            f"the replica in {folder} is in use by process {pid}, which was killed and cannot end while a program "
            "waits for its drive; release them with: umount -f and the drive's folder."
        )
    return f"the replica in {folder} is in use by process {pid}; stop that one first."


def dying_holder(folder: Path) -> int | None:
    """The process that has the replica, was killed and has not come to its end, or None."""
    try:
        fd = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return None
    pid = _holder(fd)
    try:
        if system.is_dying(pid):
            system.lock_file(fd)  # one that was only not collected yet has let go of it
    except BlockingIOError:
        return pid
    finally:
        os.close(fd)
    return None


def _holder(fd: int) -> int:
    """The process that said last that it has the lock; 0 when none did."""
    text = system.pread(fd, _PID_WIDTH + 1, 0).strip()
    return int(text) if text.isdigit() else 0


def take_lock(folder: Path) -> int:
    """The descriptor that holds the lock until it is closed or the process ends. Raises ReplicaInUse."""
    fd = os.open(folder / "lock", system.OPEN, 0o600)
    try:
        system.lock_file(fd)
    except BlockingIOError:
        pid = _holder(fd)
        os.close(fd)
        raise ReplicaInUse(_in_use(folder, pid), pid) from None
    try:  # in place: on a full disk the space of a file that is truncated may be somebody else's the next moment
        system.pwrite(fd, f"{os.getpid():<{_PID_WIDTH}}\n".encode(), 0)
    except OSError as error:
        log.debug("the lock of %s does not tell who has it: %s", folder, error)
    return fd
