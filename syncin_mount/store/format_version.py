"""The number of a replica's format, and the version of the program that wrote it: written, and
looked at before anything else is."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.phrases import Phrase
from syncin_mount import __version__
from syncin_mount.store import atomic_file
from syncin_mount.store.errors import NewerFormat, Repair, ReplicaError
from syncin_mount.store.records import FORMAT, U64
from syncin_mount.store.recovery.lmdb_pages import IndexFile

_FORMAT = "format"
_FORMAT_DIGITS = 9

WRITER = "written-by"
"""The file with the version of the program that had the replica last."""

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*[0-9A-Za-z.+-]*")
_VERSION_BYTES = 60

_OURS_WITHOUT_FORMAT = {"lock", "format.new", WRITER, f"{WRITER}.new"}
"""What a start that was stopped leaves in a new folder."""


def prepare_folder(folder: Path) -> None:
    """Makes the folder if it is not there. Raises ReplicaError when it is something else,
    NewerFormat."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ReplicaError(
            Phrase(
                "{folder} is not a folder, so it cannot hold a replica; choose another place.",
                folder=folder,
            )
        ) from None
    name = folder / _FORMAT
    if not name.exists():
        strangers = {found.name for found in folder.iterdir()} - _OURS_WITHOUT_FORMAT
        if strangers & {"index", "objects", "journal"}:
            raise _no_format(
                folder,
                Phrase(
                    "the file 'format' in {folder} is missing: the replica is damaged; nothing was"
                    " changed",
                    folder=folder,
                ),
            )
        if strangers:
            raise ReplicaError(
                Phrase(
                    "{folder} holds other things ({name}) and no replica; choose an empty folder.",
                    folder=folder,
                    name=min(strangers),
                )
            )
        return
    text = name.read_text(errors="replace").strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > _FORMAT_DIGITS:
        raise _no_format(
            folder,
            Phrase(
                "the file 'format' in {folder} does not hold a format number: the replica is"
                " damaged; nothing was changed",
                folder=folder,
            ),
        )
    if int(text) > FORMAT:
        flipped = is_flipped(folder)
        raise NewerFormat(
            _newer(folder, text, end="" if flipped else "."),
            repair=Repair.IF_NO_LATER_VERSION if flipped else None,
            folder=folder,
        )


def require_known(folder: Path) -> None:
    """For who reads a file of it without opening it. Changes nothing. Raises as `prepare_folder`;
    a folder that says no format is left to others."""
    if (folder / _FORMAT).is_file():
        prepare_folder(folder)


def _newer(folder: Path, found: str, *, end: str) -> Phrase:
    """The sentence, with ``end`` behind it: another part may follow."""
    values = {"folder": folder, "found": found, "known": FORMAT, "end": end}
    version = writer(folder)
    if version is None:
        return Phrase(
            "the replica in {folder} has format {found} and this program knows {known}: a"
            " later version wrote it; use that version{end}",
            **values,
        )
    return Phrase(
        "the replica in {folder} has format {found} and this program knows {known}: version"
        " {version} wrote it; use that version or a later one{end}",
        **values,
        version=version,
    )


def writer(folder: Path) -> str | None:
    """Return the version of the program that had the replica last; None where that is unknown."""
    try:
        with (folder / WRITER).open("rb") as file:
            text = file.read(_VERSION_BYTES).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return text if _VERSION.fullmatch(text) else None


def is_flipped(folder: Path) -> bool:
    """Whether the format number is most likely that of the index, with one bit flipped: a later
    program would state its own in the index, too."""
    text, told = (
        (folder / _FORMAT).read_bytes().strip(),
        str(_format_of_index(folder) or "").encode(),
    )
    if len(text) != len(told):
        return False
    return sum((one ^ other).bit_count() for one, other in zip(text, told, strict=True)) == 1


def _no_format(folder: Path, why: str) -> ReplicaError:
    return ReplicaError(
        why,
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
    those before it hold. Before anything is recorded that an older program could not read. This
    program's version is there first: an older program names the one that is needed."""
    for name, stated in ((WRITER, f"{__version__}\n"), (_FORMAT, f"{FORMAT}\n")):
        path = folder / name
        if not path.exists() or path.read_text(errors="replace") != stated:
            atomic_file.write_whole(path, stated)
