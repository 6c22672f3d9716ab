"""A trash that is looked at as another program would: by the specification alone."""

from __future__ import annotations

import configparser
import contextlib
import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from syncin_mount.trash import Item

DISKS = (Path("/dev/shm"), Path("/var/tmp"))
"""Places that have a file system of their own, wherever tests write."""

REMOVED = dt.datetime(2026, 3, 29, 12, 30, 5, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Seen:
    """Something in the trash: its name there, where it was, and its content (a file's, a link's
    target, a tree)."""

    name: str
    path: str
    content: object


@contextlib.contextmanager
def folder_on_another_disk(own: Path) -> Iterator[Path]:
    """A folder on another file system than ``own``; skips the test where there is none."""
    of_own = own.stat().st_dev
    fit = (each for each in DISKS if os.access(each, os.W_OK) and each.stat().st_dev != of_own)
    other = next(fit, None)
    if other is None:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        yield Path(folder)


def content_of(path: Path) -> object:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if path.is_dir():
        return {child.name: content_of(child) for child in sorted(path.iterdir())}
    return path.read_bytes()


def look_into(trash: Path) -> list[Seen]:
    """What a file manager shows; every file must have its info file."""
    seen = []
    for path in sorted((trash / "files").iterdir()):
        parser = configparser.RawConfigParser(strict=False)
        with (trash / "info" / f"{path.name}.trashinfo").open(encoding="ascii") as file:
            parser.read_file(file)
        info = parser["Trash Info"]
        dt.datetime.strptime(info["DeletionDate"], "%Y-%m-%dT%H:%M:%S").astimezone()
        seen.append(
            Seen(path.name, unquote(info["Path"], errors="surrogateescape"), content_of(path))
        )
    return seen


def everything(folder: Path) -> list[str]:
    """Every path below the folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def item(name: str = "doc.txt", path: str | None = None, mark: str = "1-1") -> Item:
    return Item(os.fsencode(name), os.fsencode(path or f"/mnt/drive/{name}"), REMOVED, mark)


def put(folder: Path, name: str = "doc.txt", data: bytes = b"words") -> bytes:
    """A bin folder with a file in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    (folder / name).chmod(0o600)
    os.utime(folder / name, (1_600_000_000, 1_600_000_000))
    return os.fsencode(folder)


def put_tree(folder: Path, name: str = "papers") -> bytes:
    """A bin folder with a folder in it."""
    top = folder / name
    (top / "sub/empty").mkdir(parents=True)
    (top / "sub/file").write_bytes(b"deep")
    (top / "sparse").write_bytes(b"")
    os.truncate(top / "sparse", 3 << 20)
    (top / "link").symlink_to("/etc/passwd")
    (top / "to a folder").symlink_to("sub")
    for path in [*top.rglob("*"), top]:
        os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
    return os.fsencode(folder)


def go_on() -> None:
    """Nobody wants to stop."""
