"""The number of a replica's format: written, and looked at before anything else is."""

from __future__ import annotations

from pathlib import Path

from syncin_mount.store import atomic_file
from syncin_mount.store.errors import NewerFormat, Repair, ReplicaError
from syncin_mount.store.records import FORMAT, U64
from syncin_mount.store.recovery.lmdb_pages import IndexFile

_FORMAT_DIGITS = 9


def prepare_folder(folder: Path) -> None:
    """Makes the folder if it is not there. Raises ReplicaError when it is something else,
    NewerFormat."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ReplicaError(
            f"{folder} is not a folder, so it cannot hold a replica; choose another place."
        ) from None
    name = folder / "format"
    if not name.exists():
        strangers = {found.name for found in folder.iterdir()} - {"lock", "format.new"}
        if strangers & {"index", "objects", "journal"}:
            raise _no_format(folder, "is missing")
        if strangers:
            raise ReplicaError(
                f"{folder} holds other things ({min(strangers)}) and no replica; choose an empty"
                " folder."
            )
        return
    text = name.read_text(errors="replace").strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > _FORMAT_DIGITS:
        raise _no_format(folder, "does not hold a format number")
    if int(text) > FORMAT:
        flipped = is_flipped(folder)
        raise NewerFormat(
            f"the replica in {folder} has format {text} and this program knows {FORMAT}: a later"
            f" version wrote it; use that version{'' if flipped else '.'}",
            repair=Repair.IF_NO_LATER_VERSION if flipped else None,
            folder=folder,
        )


def is_flipped(folder: Path) -> bool:
    """Whether the format number is most likely that of the index, with one bit flipped: a later
    program would state its own in the index, too."""
    text, told = (
        (folder / "format").read_bytes().strip(),
        str(_format_of_index(folder) or "").encode(),
    )
    if len(text) != len(told):
        return False
    return sum((one ^ other).bit_count() for one, other in zip(text, told, strict=True)) == 1


def _no_format(folder: Path, why: str) -> ReplicaError:
    return ReplicaError(
        f"the file 'format' in {folder} {why}: the replica is damaged; nothing was changed",
        repair=Repair.SAVES_WHAT_IS_THERE,
        folder=folder,
    )


def _format_of_index(folder: Path) -> int | None:
    """The format number that the index has of its last commit; None for an older one, or one that
    cannot be read."""
    file = IndexFile(folder / "index" / "data.mdb")
    told = dict(file.table("meta")).get(b"format")
    return (
        int(U64.unpack(told)[0])
        if told is not None and len(told) == U64.size and not file.faults
        else None
    )


def write_format(folder: Path) -> None:
    """Writes the format number where there is none, or an older one: every later format holds what
    those before it hold. Before anything is recorded that an older program could not read."""
    path = folder / "format"
    stated = f"{FORMAT}\n"
    if not path.exists() or path.read_text(errors="replace") != stated:
        atomic_file.write_whole(path, stated)
