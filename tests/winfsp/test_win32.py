"""What programs expect of calls of Win32: the cases of winfstest, which winfspy ships, said anew.
docs/internals/windows.md tells of each whether it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.winfsp import kernel as k
from tests.winfsp.kernel import CREATE, DELETE, OPEN, READ, WRITE, Kernel, Refused

ANYBODY = k.SHARE_ALL
TIME = 168_485_184_000_000_000
"""In the year 2134."""


class Win32:
    """As kernel32 makes them of the driver's calls."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def create_file(
        self, path: str, access: int, disposition: str, attributes: int = 0, share: int = 0
    ) -> None:
        self.kernel.create_file(
            path, disposition, access, share, k.NON_DIRECTORY_FILE, attributes
        ).close()

    def delete_file(self, path: str) -> None:
        with self.kernel.opened(path, OPEN, DELETE, options=k.NON_DIRECTORY_FILE) as handle:
            handle.set_delete()

    def create_directory(self, path: str) -> None:
        self.kernel.create_file(path, CREATE, READ, options=k.DIRECTORY_FILE).close()

    def remove_directory(self, path: str) -> None:
        with self.kernel.opened(path, OPEN, DELETE, options=k.DIRECTORY_FILE) as handle:
            handle.set_delete()

    def information(self, path: str) -> k.Info:
        with self.kernel.opened(path, OPEN, k.READ_ATTRIBUTES) as handle:
            return handle.stat()

    def attributes(self, path: str) -> int:
        return self.information(path).attributes

    def set_attributes(self, path: str, attributes: int) -> None:
        with self.kernel.opened(path, OPEN, k.WRITE_ATTRIBUTES) as handle:
            handle.set_basic(attributes=attributes)

    def move(self, old: str, new: str, *, replace: bool = False) -> None:
        with self.kernel.opened(old, OPEN, DELETE | k.READ_ATTRIBUTES) as handle:
            handle.rename(new, replace=replace)

    def set_end(self, path: str, size: int) -> None:
        with self.kernel.opened(path, OPEN, WRITE) as handle:
            handle.set_end(size)

    def find(self, path: str) -> set[str]:
        above, _, name = path.rpartition("\\")
        with self.kernel.opened(above or "\\", options=k.DIRECTORY_FILE) as handle:
            if name == "*":
                return {each.name for each in handle.entries()}
            found = handle.query(name)
            return set() if found is None else {found.name}


@pytest.fixture
def win32(kernel: Kernel) -> Win32:
    return Win32(kernel)


def fails(status: int, act: Callable[..., object], *args: Any, **options: Any) -> None:
    with pytest.raises(Refused) as caught:
        act(*args, **options)
    assert f"{caught.value.status:08x}" == f"{status:08x}"


def test_create_file_dispositions(win32: Win32) -> None:
    name = "\\name"
    win32.create_file(name, WRITE, CREATE)
    fails(k.COLLISION, win32.create_file, name, WRITE, CREATE)
    win32.delete_file(name)
    fails(k.NOT_FOUND, win32.delete_file, name)
    for disposition in (k.OVERWRITE_IF, k.OPEN_IF):
        for _ in range(3):
            win32.create_file(name, WRITE, disposition)
        win32.delete_file(name)
    for disposition in (OPEN, k.OVERWRITE):
        fails(k.NOT_FOUND, win32.create_file, name, WRITE, disposition)
        win32.create_file(name, WRITE, k.OVERWRITE_IF)
        win32.create_file(name, WRITE, disposition)
        win32.delete_file(name)
    fails(k.PATH_NOT_FOUND, win32.create_file, f"{name}\\bar", WRITE, CREATE)


def test_create_file_attributes(win32: Win32) -> None:
    name = "\\name"
    win32.create_file(name, WRITE, k.OVERWRITE_IF, k.NORMAL)
    assert win32.attributes(name) == 0x20
    for attributes, found in ((k.READONLY, 0x21), (k.SYSTEM, 0x24), (k.HIDDEN, 0x22)):
        win32.create_file(name, WRITE, k.OVERWRITE_IF, attributes)
        assert win32.attributes(name) == found
        win32.set_attributes(name, k.NORMAL)
    win32.delete_file(name)
    win32.create_file(name, WRITE, k.OVERWRITE_IF, k.READONLY)
    fails(k.CANNOT_DELETE, win32.delete_file, name)  # ERROR_ACCESS_DENIED in Win32
    win32.set_attributes(name, k.NORMAL)
    win32.delete_file(name)


def test_create_and_remove_directory(win32: Win32) -> None:
    name = "\\name"
    win32.create_file(name, WRITE, CREATE)
    fails(k.COLLISION, win32.create_directory, name)
    fails(k.NOT_A_DIRECTORY, win32.remove_directory, name)
    win32.delete_file(name)
    win32.create_directory(name)
    fails(k.COLLISION, win32.create_directory, name)
    assert win32.attributes(name) == 0x10
    fails(k.IS_A_DIRECTORY, win32.delete_file, name)
    win32.remove_directory(name)
    fails(k.NOT_FOUND, win32.remove_directory, name)
    win32.create_directory(name)
    win32.create_file(f"{name}\\inner", WRITE, CREATE)
    fails(k.NOT_EMPTY, win32.remove_directory, name)
    win32.delete_file(f"{name}\\inner")
    win32.remove_directory(name)
    fails(k.PATH_NOT_FOUND, win32.create_directory, f"{name}\\bar")


def test_find_files(win32: Win32) -> None:
    win32.create_directory("\\name")
    win32.create_file("\\name\\foo", WRITE, CREATE)
    fails(k.NOT_EMPTY, win32.remove_directory, "\\name")
    fails(k.NOT_A_DIRECTORY, win32.remove_directory, "\\name\\foo")
    win32.create_file("\\name\\bar", WRITE, CREATE)
    assert win32.find("\\name\\*") == {".", "..", "foo", "bar"}
    assert win32.find("\\name") == {"name"}
    assert win32.find("\\name\\foo") == {"foo"}


def test_move_file(win32: Win32) -> None:
    win32.create_file("\\foo", WRITE, CREATE)
    win32.create_file("\\baz", WRITE, CREATE, k.READONLY)
    win32.move("\\foo", "\\bar")
    fails(k.NOT_FOUND, win32.information, "\\foo")
    fails(k.COLLISION, win32.move, "\\bar", "\\baz")
    fails(k.CANNOT_DELETE, win32.move, "\\bar", "\\baz", replace=True)
    assert win32.find("\\*") == {"bar", "baz"}
    win32.set_attributes("\\baz", k.NORMAL)
    win32.move("\\bar", "\\baz", replace=True)
    assert win32.find("\\*") == {"baz"}


def test_move_directory(win32: Win32) -> None:
    for name in ("\\foo", "\\baz"):
        win32.create_directory(name)
    win32.move("\\foo", "\\bar")
    fails(k.COLLISION, win32.move, "\\bar", "\\baz")
    fails(k.ACCESS_DENIED, win32.move, "\\bar", "\\baz", replace=True)
    win32.remove_directory("\\baz")
    win32.move("\\bar", "\\baz", replace=True)
    win32.create_directory("\\bar")
    win32.create_file("\\baz\\hello", WRITE, CREATE)
    win32.move("\\baz\\hello", "\\bar\\world")
    assert (win32.find("\\baz\\*"), win32.find("\\bar\\*")) == ({".", ".."}, {".", "..", "world"})


def test_set_end_of_file(win32: Win32) -> None:
    name = "\\name"
    for size in (0, 42, 13):
        win32.create_file(name, WRITE, k.OPEN_IF)
        win32.set_end(name, size)
        assert win32.information(name).size == size
    for disposition, size in ((k.OPEN_IF, 42), (OPEN, 42), (k.OVERWRITE, 0), (k.OVERWRITE_IF, 0)):
        win32.set_end(name, 42)
        win32.create_file(name, WRITE, disposition)
        assert win32.information(name).size == size


def test_set_file_time(win32: Win32) -> None:
    win32.create_file("\\name", WRITE, k.OVERWRITE_IF)
    before = win32.information("\\name")
    with win32.kernel.opened("\\name", OPEN, WRITE) as handle:
        handle.set_basic(created=TIME, accessed=TIME + 5)
    after = win32.information("\\name")
    assert (after.created, after.accessed, after.written) == (TIME, TIME + 5, before.written)


def test_set_file_attributes(win32: Win32) -> None:
    win32.create_file("\\name", WRITE, k.OVERWRITE_IF)
    for attributes in (k.READONLY, k.SYSTEM, k.HIDDEN, k.ARCHIVE, k.NORMAL):
        win32.set_attributes("\\name", attributes)
        assert win32.attributes("\\name") == attributes


def test_a_deletion_is_pending_while_somebody_has_it_open(win32: Win32) -> None:
    win32.create_directory("\\folder")
    with win32.kernel.opened("\\folder\\foo", CREATE, WRITE, ANYBODY):
        win32.create_file("\\folder\\foo", READ, OPEN, share=ANYBODY)
        win32.delete_file("\\folder\\foo")
        fails(k.DELETE_PENDING, win32.create_file, "\\folder\\foo", READ, OPEN, share=ANYBODY)
        assert win32.find("\\folder\\*") == {".", "..", "foo"}
    assert win32.find("\\folder\\*") == {".", ".."}
    win32.remove_directory("\\folder")


@pytest.mark.parametrize(
    ("access", "share", "asked"),
    [
        (WRITE, k.SHARE_READ, [(READ, k.SHARE_READ, False), (READ, k.SHARE_WRITE, True)]),
        (READ, k.SHARE_WRITE, [(WRITE, k.SHARE_WRITE, False), (WRITE, k.SHARE_READ, True)]),
        (
            DELETE,
            k.SHARE_DELETE,
            [
                (WRITE, k.SHARE_DELETE, False),
                (DELETE, k.SHARE_WRITE, False),
                (DELETE, k.SHARE_DELETE, True),
            ],
        ),
    ],
)
def test_share_modes(
    win32: Win32, access: int, share: int, asked: list[tuple[int, int, bool]]
) -> None:
    with win32.kernel.opened("\\name", k.OVERWRITE_IF, access, share):
        for wanted, lets, works in asked:
            if works:
                win32.create_file("\\name", wanted, OPEN, share=lets)
            else:
                fails(k.SHARING_VIOLATION, win32.create_file, "\\name", wanted, OPEN, 0, lets)


def test_a_folder_that_is_not_shared(win32: Win32) -> None:
    win32.create_directory("\\name")
    with win32.kernel.opened("\\name", OPEN, READ, share=0):
        fails(k.SHARING_VIOLATION, win32.kernel.create_file, "\\name", OPEN, READ, 0)
