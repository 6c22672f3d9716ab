"""What programs of Windows do, call by call: the same on Linux, by the stand-in for winfspy, and
under Wine, by winfspy itself and the project's stand-in for WinFsp's library.

This file is long because it is one list of sequences, each short.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.errors import Obstacle
from reconciler.model import ROOT, Base, Kind
from syncin_winfsp.values.names import MARK
from tests.winfsp import kernel as k
from tests.winfsp.kernel import CREATE, DELETE, OPEN, READ, WRITE, Handle, Kernel, Refused
from tests.winfsp.mounted import WAIT, Mounted

TIME = 132_000_000_000_000_000


def refused(status: int, act: Callable[..., object], *args: Any, **options: Any) -> None:
    with pytest.raises(Refused) as caught:
        act(*args, **options)
    assert f"{caught.value.status:08x}" == f"{status:08x}"


def write(kernel: Kernel, path: str, data: bytes = b"", attributes: int = 0) -> None:
    with kernel.opened(path, k.OVERWRITE_IF, READ | WRITE, attributes=attributes) as handle:
        if data:
            assert handle.write(0, data) == len(data)


def read(kernel: Kernel, path: str) -> bytes:
    with kernel.opened(path) as handle:
        return handle.read()


def folder(kernel: Kernel, path: str) -> None:
    kernel.create_file(path, CREATE, options=k.DIRECTORY_FILE).close()


def names(kernel: Kernel, path: str = "\\") -> list[str]:
    with kernel.opened(path, options=k.DIRECTORY_FILE) as handle:
        return handle.names()


def remove(kernel: Kernel, path: str) -> None:
    with kernel.opened(path, OPEN, DELETE | k.READ_ATTRIBUTES) as handle:
        handle.set_delete()


def rename(kernel: Kernel, old: str, new: str, *, replace: bool = False) -> None:
    with kernel.opened(old, OPEN, DELETE | k.READ_ATTRIBUTES) as handle:
        handle.rename(new, replace=replace)


def attributes(kernel: Kernel, path: str) -> int:
    return kernel.security_of(path)[0]


def recorded(drive: Mounted, name: bytes) -> Any:
    """What the replica has of a file at the top."""

    def look() -> Any:
        node = drive.world.replica.lookup(ROOT, name)
        return None if node is None else drive.world.replica.local(node)

    return drive.run(look)


def on_server(drive: Mounted, name: bytes) -> Any:
    """What both sides agreed on last, of the file that has the name: a save is no new file."""

    def look() -> Any:
        return drive.world.replica.base(drive.world.replica.lookup(ROOT, name))

    return drive.run(look)


# --- Explorer -------------------------------------------------------------------------------------


def test_explorer_copies_a_file_in(kernel: Kernel, drive: Mounted) -> None:
    assert kernel.volume().free > 70000
    refused(k.NOT_FOUND, kernel.security_of, "\\Report.docx")
    handle = kernel.create_file("\\Report.docx", CREATE, READ | WRITE, attributes=k.ARCHIVE)
    handle.set_allocation(70000)
    assert handle.stat().size == 0
    handle.set_end(70000)
    for at in range(0, 70000, 32768):
        handle.write(at, b"r" * min(32768, 70000 - at))
    handle.set_basic(attributes=k.ARCHIVE, created=TIME - 10, written=TIME)
    handle.cleanup()
    local = recorded(drive, b"Report.docx")
    assert (local.size, local.busy) == (70000, False)  # CloseHandle returned
    handle.finish()
    with kernel.opened("\\REPORT.DOCX") as again:
        assert again.name == "\\Report.docx"
        assert again.read(69990, 100) == b"r" * 10
        info = again.stat()
    assert (info.written, info.created, info.size) == (TIME, TIME - 10, 70000)
    assert info.allocation_size == 73728
    assert kernel.was_pending == 4


def test_explorer_copies_a_folder_in(kernel: Kernel) -> None:
    folder(kernel, "\\Album")
    for name in ("one.jpg", "two.jpg"):
        write(kernel, f"\\Album\\{name}", name.encode())
    with kernel.opened("\\Album", OPEN, k.WRITE_ATTRIBUTES, options=k.DIRECTORY_FILE) as handle:
        handle.set_basic(created=TIME, written=TIME)
        assert (handle.stat().created, handle.stat().written) == (TIME, TIME)
    assert names(kernel, "\\ALBUM") == ["one.jpg", "two.jpg"]
    assert read(kernel, "\\album\\ONE.JPG") == b"one.jpg"


def test_explorer_asks_for_what_is_not_there(kernel: Kernel) -> None:
    folder(kernel, "\\Album")
    for name in ("desktop.ini", "thumbs.db", "folder.jpg", "AutoRun.inf"):
        refused(k.NOT_FOUND, kernel.create_file, f"\\Album\\{name}")
        refused(k.PATH_NOT_FOUND, kernel.create_file, f"\\{name}\\more", CREATE, WRITE)
    refused(k.NAME_INVALID, kernel.create_file, "\\Album:Zone.Identifier")
    with kernel.opened("\\Album", options=k.DIRECTORY_FILE) as handle:
        assert handle.query("desktop.ini") is None


def test_explorer_moves_a_file_to_another_folder(kernel: Kernel) -> None:
    folder(kernel, "\\from")
    folder(kernel, "\\to")
    write(kernel, "\\from\\a.txt", b"moved")
    with kernel.opened("\\to", OPEN, WRITE, options=k.DIRECTORY_FILE):
        rename(kernel, "\\from\\a.txt", "\\to\\a.txt")
    assert (names(kernel, "\\from"), names(kernel, "\\to")) == ([], ["a.txt"])
    assert read(kernel, "\\to\\a.txt") == b"moved"


def test_explorer_deletes_a_file(kernel: Kernel, drive: Mounted) -> None:
    write(kernel, "\\a.txt", b"gone")
    handle = kernel.create_file("\\A.TXT", OPEN, DELETE)
    handle.set_delete()
    assert names(kernel) == ["a.txt"]
    handle.cleanup()
    assert names(kernel) == []  # before the driver lets go of it
    assert recorded(drive, b"a.txt") is None
    write(kernel, "\\a.txt", b"another")
    handle.finish()
    assert read(kernel, "\\a.txt") == b"another"


def test_explorer_deletes_a_folder_with_all_in_it(kernel: Kernel) -> None:
    folder(kernel, "\\doomed")
    folder(kernel, "\\doomed\\inner")
    write(kernel, "\\doomed\\inner\\file", b"x")
    with kernel.opened("\\doomed", OPEN, DELETE, options=k.DIRECTORY_FILE) as handle:
        refused(k.NOT_EMPTY, handle.set_delete)
    for path in ("\\doomed\\inner\\file", "\\doomed\\inner", "\\doomed"):
        remove(kernel, path)
    assert names(kernel) == []


def test_explorer_finds_no_recycle_bin(kernel: Kernel) -> None:
    for name in ("$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information"):
        refused(k.ACCESS_DENIED, kernel.create_file, f"\\{name}", CREATE, options=k.DIRECTORY_FILE)
    folder(kernel, "\\inner")
    folder(kernel, "\\inner\\$RECYCLE.BIN")  # in a folder it is a name like others
    refused(k.ACCESS_DENIED, rename, kernel, "\\inner\\$RECYCLE.BIN", "\\$RECYCLE.BIN")


def test_explorer_makes_no_thumbnails_of_what_is_not_here(kernel: Kernel, drive: Mounted) -> None:
    drive.run(drive.world.place, "photo.jpg", b"pixels")
    drive.run(drive.world.place, "empty", b"")
    assert attributes(kernel, "\\photo.jpg") == k.ARCHIVE | k.OFFLINE | k.RECALL_ON_DATA_ACCESS
    assert attributes(kernel, "\\empty") == k.ARCHIVE
    with kernel.opened("\\", options=k.DIRECTORY_FILE) as handle:
        found = {each.name: each.info.attributes for each in handle.entries()}
    assert found["photo.jpg"] & k.OFFLINE
    assert read(kernel, "\\photo.jpg") == b"pixels"
    assert attributes(kernel, "\\photo.jpg") == k.ARCHIVE


def test_explorer_shows_the_volume(kernel: Kernel) -> None:
    volume = kernel.volume()
    assert volume.label == "docs"
    assert 0 < volume.free <= volume.total
    refused(k.ACCESS_DENIED, kernel.set_label, "another")


def test_explorer_gives_a_folder_an_icon(kernel: Kernel) -> None:
    """desktop.ini is hidden and of the system, and the folder is marked read-only."""
    folder(kernel, "\\Icons")
    write(kernel, "\\Icons\\desktop.ini", b"[.ShellClassInfo]", k.HIDDEN | k.SYSTEM)
    with kernel.opened("\\Icons", OPEN, k.WRITE_ATTRIBUTES) as handle:
        handle.set_basic(attributes=k.READONLY)
    assert attributes(kernel, "\\Icons") == k.DIRECTORY | k.READONLY
    assert attributes(kernel, "\\Icons\\desktop.ini") == k.HIDDEN | k.SYSTEM | k.ARCHIVE
    write(kernel, "\\Icons\\another", b"can be made")


# --- editors --------------------------------------------------------------------------------------


def test_word_saves(kernel: Kernel, drive: Mounted) -> None:
    drive.run(drive.world.place, "Report.docx", b"old version")
    assert read(kernel, "\\Report.docx") == b"old version"
    owner = kernel.create_file("\\~$eport.docx", CREATE, READ | WRITE, share=0, attributes=k.HIDDEN)
    owner.write(0, b"user")
    temporary = kernel.create_file("\\~WRD0000.tmp", CREATE, READ | WRITE | DELETE)
    temporary.write(0, b"new version")
    temporary.flush()
    temporary.close()
    rename(kernel, "\\Report.docx", "\\~WRL0001.tmp")
    rename(kernel, "\\~WRD0000.tmp", "\\Report.docx")
    remove(kernel, "\\~WRL0001.tmp")
    owner.set_delete()
    owner.close()
    assert names(kernel) == ["Report.docx"]
    assert read(kernel, "\\report.docx") == b"new version"
    assert on_server(drive, b"Report.docx").size == len(b"old version")


def test_excel_saves(kernel: Kernel) -> None:
    """Under a name of eight hex digits, with the old one as a backup until the end."""
    write(kernel, "\\Sums.xlsx", b"old")
    write(kernel, "\\7C5A1B20", b"new")
    rename(kernel, "\\Sums.xlsx", "\\9D3E2F10.tmp")
    rename(kernel, "\\7C5A1B20", "\\Sums.xlsx")
    with kernel.opened("\\Sums.xlsx", OPEN, READ | WRITE, share=k.SHARE_READ) as handle:
        remove(kernel, "\\9D3E2F10.tmp")
        assert handle.read() == b"new"
    assert names(kernel) == ["Sums.xlsx"]


def test_notepad_saves(kernel: Kernel) -> None:
    write(kernel, "\\notes.txt", b"a longer text than the next")
    with kernel.opened("\\notes.txt", k.OPEN_IF, READ | WRITE) as handle:
        handle.write(0, b"short")
        handle.set_end(5)
    assert read(kernel, "\\notes.txt") == b"short"


def test_libreoffice_saves(kernel: Kernel, drive: Mounted) -> None:
    lock = kernel.create_file("\\.~lock.text.odt#", CREATE, READ | WRITE)
    lock.write(0, b"me")
    node = drive.run(drive.world.place, "text.odt", b"old")
    assert read(kernel, "\\text.odt") == b"old"
    write(kernel, "\\lu123.tmp", b"new")
    rename(kernel, "\\lu123.tmp", "\\text.odt", replace=True)
    assert drive.run(drive.world.replica.lookup, ROOT, b"text.odt") == node
    lock.set_delete()
    lock.close()
    assert names(kernel) == ["text.odt"]
    assert read(kernel, "\\text.odt") == b"new"


def test_replace_file_keeps_a_backup(kernel: Kernel) -> None:
    """ReplaceFileW: the replaced file becomes the backup, which may be there already."""
    write(kernel, "\\data", b"old")
    write(kernel, "\\data.bak", b"older")
    write(kernel, "\\data.new", b"new")
    replaced = kernel.create_file("\\data", OPEN, READ | DELETE)
    replacement = kernel.create_file("\\data.new", OPEN, READ | WRITE | DELETE)
    replaced.rename("\\data.bak", replace=True)
    replacement.rename("\\data")
    replacement.close()
    replaced.close()
    assert (read(kernel, "\\data"), read(kernel, "\\data.bak")) == (b"new", b"old")
    assert names(kernel) == ["data", "data.bak"]


def test_an_editor_maps_a_file_and_closes_it_before_its_pages_are_written(
    kernel: Kernel, drive: Mounted
) -> None:
    write(kernel, "\\mapped", b"0123456789")
    handle = kernel.create_file("\\mapped", OPEN, READ | WRITE)
    handle.set_basic(written=TIME)
    handle.cleanup()
    version = recorded(drive, b"mapped").version
    assert handle.write_mapped(4, b"abcdefghij") == 6  # not behind the end
    assert handle.write_mapped(100, b"x") == 0
    assert recorded(drive, b"mapped").busy
    handle.finish()
    local = recorded(drive, b"mapped")
    assert (local.size, local.busy) == (10, False)
    assert local.version > version
    assert read(kernel, "\\mapped") == b"0123abcdef"
    with kernel.opened("\\mapped") as again:
        assert again.stat().written == TIME


# --- the command prompt and copying programs ------------------------------------------------------


def test_cmd_ren(kernel: Kernel) -> None:
    write(kernel, "\\a.txt", b"a")
    write(kernel, "\\b.txt", b"b")
    refused(k.COLLISION, rename, kernel, "\\a.txt", "\\B.TXT")
    rename(kernel, "\\a.txt", "\\c.txt")
    assert names(kernel) == ["b.txt", "c.txt"]


def test_cmd_ren_changes_the_case_alone(kernel: Kernel) -> None:
    write(kernel, "\\report.docx", b"x")
    rename(kernel, "\\report.docx", "\\Report.DOCX")
    assert names(kernel) == ["Report.DOCX"]
    folder(kernel, "\\folder")
    write(kernel, "\\folder\\x", b"inside")
    rename(kernel, "\\FOLDER", "\\FolDer")
    assert names(kernel) == ["FolDer", "Report.DOCX"]
    assert read(kernel, "\\folder\\X") == b"inside"


def test_cmd_del_of_a_read_only_file(kernel: Kernel) -> None:
    write(kernel, "\\kept", b"x")
    with kernel.opened("\\kept", OPEN, k.WRITE_ATTRIBUTES) as handle:
        handle.set_basic(attributes=k.READONLY | k.ARCHIVE)
    refused(k.CANNOT_DELETE, remove, kernel, "\\kept")
    refused(k.ACCESS_DENIED, kernel.create_file, "\\kept", OPEN, WRITE)
    refused(k.CANNOT_DELETE, kernel.create_file, "\\kept", options=k.DELETE_ON_CLOSE)
    with kernel.opened("\\kept", OPEN, k.WRITE_ATTRIBUTES) as handle:
        handle.set_basic(attributes=k.NORMAL)
    remove(kernel, "\\kept")


def test_cmd_mkdir_and_rmdir(kernel: Kernel) -> None:
    folder(kernel, "\\new")
    refused(k.COLLISION, folder, kernel, "\\NEW")
    refused(k.PATH_NOT_FOUND, folder, kernel, "\\none\\new")
    write(kernel, "\\file")
    refused(k.COLLISION, folder, kernel, "\\file")
    refused(k.NOT_A_DIRECTORY, folder, kernel, "\\file\\new")
    refused(k.NOT_A_DIRECTORY, kernel.create_file, "\\file", options=k.DIRECTORY_FILE)
    refused(k.IS_A_DIRECTORY, kernel.create_file, "\\new", options=k.NON_DIRECTORY_FILE)
    refused(
        k.IS_A_DIRECTORY, kernel.create_file, "\\new", CREATE, WRITE, options=k.NON_DIRECTORY_FILE
    )
    remove(kernel, "\\new")
    assert names(kernel) == ["file"]


def test_cmd_mklink_is_refused(kernel: Kernel, drive: Mounted) -> None:
    """There are no reparse points; and links that Linux made are not shown."""
    drive.run(drive.world.fs.symlink, ROOT, b"link", b"target", 1, 1)
    assert names(kernel) == []
    refused(k.NOT_FOUND, kernel.create_file, "\\link")
    refused(k.COLLISION, kernel.create_file, "\\LINK", CREATE, WRITE)
    with kernel.opened("\\", options=k.DIRECTORY_FILE) as handle:
        assert handle.query("link") is None


def test_robocopy(kernel: Kernel) -> None:
    """Time first, then contents, then attributes, and a second run that finds all as it is."""
    for name in ("one", "two"):
        with kernel.opened(f"\\{name}", CREATE, READ | WRITE) as handle:
            handle.set_basic(created=TIME, written=TIME)
            handle.set_end(3)
            handle.write(0, name.encode())
            handle.set_basic(attributes=k.ARCHIVE | k.HIDDEN)
    with kernel.opened("\\", options=k.DIRECTORY_FILE) as handle:
        found = [each.info for each in handle.entries()]
    assert {(each.size, each.written, each.created) for each in found} == {(3, TIME, TIME)}
    assert {each.attributes for each in found} == {k.ARCHIVE | k.HIDDEN}


def test_xcopy_brings_security_along(kernel: Kernel) -> None:
    write(kernel, "\\secured", b"x")
    with kernel.opened("\\secured") as handle:
        before = handle.security()
        assert handle.security(room=4) == before == kernel.security_of("\\secured")[1]
        handle.set_security(b"another")
        assert handle.security() == before


def test_a_program_deletes_on_close(kernel: Kernel) -> None:
    handle = kernel.create_file("\\tmp", CREATE, READ | WRITE | DELETE, options=k.DELETE_ON_CLOSE)
    handle.write(0, b"temporary")
    other = kernel.create_file("\\TMP")
    handle.close()
    refused(k.DELETE_PENDING, kernel.create_file, "\\tmp")
    assert names(kernel) == ["tmp"]
    assert other.read() == b"temporary"
    other.close()
    refused(k.NOT_FOUND, kernel.create_file, "\\tmp")


def test_a_folder_that_is_deleted_on_close_and_is_not_empty_stays(kernel: Kernel) -> None:
    with kernel.opened("\\full", CREATE, DELETE, options=k.DIRECTORY_FILE | k.DELETE_ON_CLOSE):
        write(kernel, "\\full\\file", b"x")
    assert names(kernel, "\\full") == ["file"]


def test_a_program_changes_its_mind_about_deleting(kernel: Kernel) -> None:
    write(kernel, "\\kept", b"x")
    with kernel.opened("\\kept", OPEN, DELETE) as handle:
        handle.set_delete()
        refused(k.DELETE_PENDING, kernel.create_file, "\\kept")
        handle.set_delete(delete=False)
    assert read(kernel, "\\kept") == b"x"


def test_a_file_that_is_deleted_while_it_is_written_is_not_recorded(
    kernel: Kernel, drive: Mounted
) -> None:
    handle = kernel.create_file("\\log", CREATE, READ | WRITE | DELETE)
    handle.write(0, b"one")
    handle.set_delete()
    handle.write(3, b"two")
    handle.cleanup()
    assert handle.write_mapped(0, b"TWO") == 3
    handle.finish()
    assert names(kernel) == []
    assert recorded(drive, b"log") is None


# --- dispositions and sharing ---------------------------------------------------------------------


def test_dispositions(kernel: Kernel) -> None:
    for disposition in (OPEN, k.OVERWRITE):
        refused(k.NOT_FOUND, kernel.create_file, "\\f", disposition, WRITE)
    write(kernel, "\\f", b"content")
    refused(k.COLLISION, kernel.create_file, "\\F", CREATE, WRITE)
    kernel.create_file("\\f", k.OPEN_IF, WRITE).close()
    assert read(kernel, "\\f") == b"content"
    for disposition in (k.OVERWRITE, k.OVERWRITE_IF, k.SUPERSEDE):
        with kernel.opened("\\f", disposition, READ | WRITE | DELETE) as handle:
            assert (handle.info.size, handle.stat().size, handle.read()) == (0, 0, b"")
            handle.write(0, b"content")
    for disposition in (k.OPEN_IF, k.OVERWRITE_IF, k.SUPERSEDE):
        kernel.create_file(f"\\{disposition}", disposition, WRITE).close()
    assert names(kernel) == ["f", "open_if", "overwrite_if", "supersede"]


def test_overwriting_changes_attributes(kernel: Kernel) -> None:
    write(kernel, "\\f", b"x", k.HIDDEN)
    assert attributes(kernel, "\\f") == k.HIDDEN | k.ARCHIVE
    refused(k.ACCESS_DENIED, kernel.create_file, "\\f", k.OVERWRITE, WRITE)
    assert read(kernel, "\\f") == b"x"
    with kernel.opened("\\f", k.OVERWRITE, WRITE, attributes=k.HIDDEN | k.SYSTEM):
        pass
    assert attributes(kernel, "\\f") == k.HIDDEN | k.SYSTEM | k.ARCHIVE
    with kernel.opened(
        "\\f", k.SUPERSEDE, WRITE | DELETE, attributes=k.HIDDEN | k.SYSTEM | k.READONLY
    ):
        pass
    assert attributes(kernel, "\\f") == k.HIDDEN | k.SYSTEM | k.ARCHIVE | k.READONLY


def test_who_does_not_share(kernel: Kernel) -> None:
    with kernel.opened("\\f", CREATE, WRITE, share=k.SHARE_READ):
        refused(k.SHARING_VIOLATION, kernel.create_file, "\\f", OPEN, WRITE)
        refused(k.SHARING_VIOLATION, kernel.create_file, "\\F", OPEN, READ, k.SHARE_READ)
        refused(k.SHARING_VIOLATION, kernel.create_file, "\\f", OPEN, DELETE)
        kernel.create_file("\\f", OPEN, READ, k.SHARE_READ | k.SHARE_WRITE).close()
        kernel.create_file("\\f", OPEN, k.READ_ATTRIBUTES, share=0).close()


def test_who_is_replaced_while_it_is_open(kernel: Kernel) -> None:
    write(kernel, "\\a", b"a")
    write(kernel, "\\b", b"b")
    with kernel.opened("\\b"):
        refused(k.ACCESS_DENIED, rename, kernel, "\\a", "\\B", replace=True)
    folder(kernel, "\\folder")
    write(kernel, "\\folder\\inner", b"x")
    with kernel.opened("\\folder\\inner"):
        refused(k.ACCESS_DENIED, rename, kernel, "\\folder", "\\moved")
    rename(kernel, "\\folder", "\\moved")
    assert read(kernel, "\\moved\\inner") == b"x"


def test_what_is_never_replaced(kernel: Kernel) -> None:
    for name in ("one", "two"):
        folder(kernel, f"\\{name}")
    write(kernel, "\\file", b"x")
    write(kernel, "\\fixed", b"y", k.READONLY)
    refused(k.ACCESS_DENIED, rename, kernel, "\\one", "\\two", replace=True)
    refused(k.ACCESS_DENIED, rename, kernel, "\\file", "\\two", replace=True)
    refused(k.ACCESS_DENIED, rename, kernel, "\\two", "\\file", replace=True)
    refused(k.CANNOT_DELETE, rename, kernel, "\\file", "\\fixed", replace=True)
    refused(k.ACCESS_DENIED, rename, kernel, "\\", "\\top")
    refused(k.ACCESS_DENIED, remove, kernel, "\\")
    assert names(kernel) == ["file", "fixed", "one", "two"]


def test_a_name_that_is_replaced_takes_the_new_case(kernel: Kernel) -> None:
    write(kernel, "\\document.TXT", b"old")
    write(kernel, "\\save.tmp", b"new")
    rename(kernel, "\\save.tmp", "\\Document.txt", replace=True)
    assert names(kernel) == ["Document.txt"]
    assert read(kernel, "\\DOCUMENT.TXT") == b"new"


# --- reading and writing --------------------------------------------------------------------------


def test_appending_and_ends(kernel: Kernel) -> None:
    with kernel.opened("\\log", CREATE, READ | WRITE) as handle:
        handle.write(0, b"abc")
        assert handle.append(b"def") == 3
        assert handle.info.size == 6
        assert handle.read(0, 9) == b"abcdef"
        assert handle.read(6, 1) == b""
        assert handle.read(100, 1) == b""
        handle.write(10, b"x")
        assert handle.read() == b"abcdef\0\0\0\0x"
        handle.set_end(2)
        assert handle.read() == b"ab"
        handle.set_end(4)
        assert handle.read() == b"ab\0\0"
        handle.set_allocation(1)
        assert handle.stat().size == 1
        assert handle.write(0, b"") == 0


def test_two_handles_see_each_other(kernel: Kernel) -> None:
    with kernel.opened("\\f", CREATE, READ | WRITE) as one, kernel.opened("\\F") as other:
        one.write(0, b"seen at once")
        assert other.read() == b"seen at once"
        assert other.stat().size == 12
        one.set_end(4)
        assert other.read() == b"seen"


def test_there_is_no_room_for_an_allocation(kernel: Kernel) -> None:
    with kernel.opened("\\huge", CREATE, READ | WRITE) as handle:
        refused(k.DISK_FULL, handle.set_allocation, kernel.volume().total + (1 << 40))
        assert handle.stat().size == 0


def test_flushing(kernel: Kernel, drive: Mounted) -> None:
    with kernel.opened("\\f", CREATE, READ | WRITE) as handle:
        handle.write(0, b"durable")
        handle.flush()
        assert not recorded(drive, b"f").busy
        kernel.flush_volume()
    with kernel.opened("\\f") as handle:
        handle.flush()


def test_a_folder_is_no_file(kernel: Kernel) -> None:
    folder(kernel, "\\folder")
    with kernel.opened("\\folder", OPEN, READ | WRITE) as handle:
        refused(k.INVALID_DEVICE_REQUEST, handle.read)
        refused(k.INVALID_DEVICE_REQUEST, handle.write, 0, b"x")
        refused(k.INVALID_DEVICE_REQUEST, handle.set_end, 1)
    write(kernel, "\\file", b"")
    with kernel.opened("\\file") as handle:
        refused(k.NOT_A_DIRECTORY, handle.entries)


def test_writing_in_pieces(kernel: Kernel) -> None:
    piece = bytes(range(256)) * 256
    with kernel.opened("\\big", CREATE, READ | WRITE) as handle:
        for at in range(16):
            handle.write(at * len(piece), piece)
        assert handle.read(5 * len(piece) + 7, 1000) == (piece * 2)[7:1007]
    assert read(kernel, "\\big")[: len(piece)] == piece


# --- contents that are not here -------------------------------------------------------------------


def test_opening_waits_for_no_content(kernel: Kernel, drive: Mounted) -> None:
    drive.run(drive.world.place, "absent", b"from the server")
    with kernel.opened("\\absent", OPEN, READ | WRITE) as handle:
        handle.stat()
        assert drive.world.hydrator.asked == []
        assert handle.read(5, 3) == b"the"
        assert drive.world.hydrator.asked
        handle.write(0, b"FROM")
    assert read(kernel, "\\absent") == b"FROM the server"


def test_overwriting_needs_no_content(kernel: Kernel, drive: Mounted) -> None:
    drive.run(drive.world.place, "absent", b"from the server", known=False)
    write(kernel, "\\absent", b"new")
    assert drive.world.hydrator.asked == []
    assert read(kernel, "\\absent") == b"new"


@pytest.mark.expected_log("cannot be fetched now", required=False)
@pytest.mark.parametrize(
    ("obstacle", "status"),
    [(Obstacle.OFFLINE, k.UNREACHABLE), (Obstacle.NO_SPACE, k.DISK_FULL)],
)
def test_a_content_that_cannot_be_had_is_an_error(
    kernel: Kernel, drive: Mounted, obstacle: Obstacle, status: int
) -> None:
    drive.run(drive.world.place, "absent", b"x" * 10, known=False)
    drive.world.hydrator.obstacle = obstacle
    with kernel.opened("\\absent", OPEN, READ | WRITE) as handle:
        refused(status, handle.read)
        refused(status, handle.write, 2, b"y")
    assert attributes(kernel, "\\absent") & k.OFFLINE


class Gate:
    """Contents arrive when it opens."""

    def __init__(self, drive: Mounted) -> None:
        import trio

        self._drive = drive
        self.event: Any = drive.run(trio.Event)
        drive.world.hydrator.before = self.event.wait

    def open(self) -> None:
        self._drive.run(self.event.set)


class Reader(threading.Thread):
    def __init__(self, handle: Handle) -> None:
        super().__init__()
        self._file = handle
        self.found: bytes | int | None = None

    def run(self) -> None:
        try:
            self.found = self._file.read()
        except Refused as refused:
            self.found = refused.status


def test_readers_that_wait_keep_no_thread_of_the_driver(kernel: Kernel, drive: Mounted) -> None:
    gate = Gate(drive)
    count = 12  # three for each thread
    for number in range(count):
        drive.run(drive.world.place, f"absent{number}", b"%d" % number)
    handles = [kernel.create_file(f"\\absent{number}") for number in range(count)]
    readers = [Reader(handle) for handle in handles]
    for reader in readers:
        reader.start()
    write(kernel, "\\meanwhile", b"others go on")
    assert len(names(kernel)) == count + 1
    rename(kernel, "\\meanwhile", "\\renamed")
    assert all(reader.is_alive() for reader in readers)
    gate.open()
    for reader in readers:
        reader.join(WAIT)
    assert [reader.found for reader in readers] == [b"%d" % number for number in range(count)]
    for handle in handles:
        handle.close()


def test_readers_that_wait_are_answered_when_the_drive_is_unmounted(
    kernel: Kernel, drive: Mounted
) -> None:
    Gate(drive)
    drive.run(drive.world.place, "absent", b"never read")
    handle = kernel.create_file("\\absent")
    reader = Reader(handle)
    reader.start()
    while not drive.world.hydrator.asked:
        pass
    drive.stop()
    reader.join(WAIT)
    assert reader.found == k.CANCELLED
    assert drive.failure is None
    handle.node.handles.clear()  # type: ignore[union-attr]
    drive.run = lambda *_: 0  # type: ignore[method-assign]


# --- names ----------------------------------------------------------------------------------------


def test_names_that_linux_made(kernel: Kernel, drive: Mounted) -> None:
    for raw in (b"a:b", b"con", b"end.", b"\xff", "\uf03a".encode(), b"plain"):
        drive.wait(drive.world.create, raw, raw)
    shown = {
        "a\uf03ab": b"a:b",
        "co\uf06e": b"con",
        "end\uf02e": b"end.",
        "\uf0ff": b"\xff",
        "\uf0ef\uf080\uf0ba": "\uf03a".encode(),
        "plain": b"plain",
    }
    assert sorted(names(kernel)) == sorted(shown)
    for name, raw in shown.items():
        assert read(kernel, f"\\{name}") == raw
    rename(kernel, "\\a\uf03ab", "\\c\uf03fd")
    assert recorded(drive, b"c?d") is not None
    write(kernel, "\\new\uf020", b"x")
    assert recorded(drive, b"new ") is not None


def test_names_that_cannot_come_back_are_refused(kernel: Kernel) -> None:
    for name in ("con", "nul.txt", "end.", "end ", "\uf041", f"a{MARK}1"):
        refused(k.NAME_INVALID, kernel.create_file, f"\\{name}", CREATE, WRITE)
    refused(0xC0000106, kernel.create_file, "\\" + "ü" * 200, CREATE, WRITE)
    write(kernel, "\\" + "n" * 255, b"x")
    assert names(kernel) == ["n" * 255]


def test_names_that_differ_by_case_alone(kernel: Kernel, drive: Mounted) -> None:
    for name in (b"Readme.txt", b"README.txt", b"readme.txt"):
        drive.wait(drive.world.create, name, name)
    first, *aliases = names(kernel)
    assert first == "Readme.txt"
    assert [each.partition(MARK)[0] for each in aliases] == ["README", "readme"]
    assert all(each.endswith(".txt") for each in aliases)
    assert read(kernel, "\\README.TXT") == b"Readme.txt"
    assert {read(kernel, f"\\{each}") for each in aliases} == {b"README.txt", b"readme.txt"}
    remove(kernel, f"\\{aliases[0].upper()}")
    remove(kernel, "\\readme.txt")  # the first
    assert names(kernel) == ["readme.txt"]
    assert read(kernel, "\\readme.txt") == b"readme.txt"
    refused(k.NOT_FOUND, kernel.create_file, f"\\{aliases[1]}")


def test_a_folder_in_small_pieces(kernel: Kernel) -> None:
    made = [f"d{number:03}{'n' * 60}" for number in range(150)]
    for name in made:
        folder(kernel, f"\\{name}")
    with kernel.opened("\\", options=k.DIRECTORY_FILE) as handle:
        for room in (700, 2048, 65536):
            assert handle.names(room) == made
    with kernel.opened(f"\\{made[0]}", options=k.DIRECTORY_FILE) as handle:
        assert [each.name for each in handle.entries()] == [".", ".."]
    refused(k.COLLISION, folder, kernel, "\\" + made[2].upper())


def test_a_listing_goes_on_while_its_folder_changes(kernel: Kernel) -> None:
    for number in range(40):
        write(kernel, f"\\file{number:02}{'n' * 100}")
    with kernel.opened("\\", options=k.DIRECTORY_FILE) as handle:
        before = handle.names(65536)
        whole = handle.entries
        assert [each.name for each in whole(1024)] == before
        remove(kernel, f"\\{before[20]}")
        write(kernel, "\\file99", b"new")
        left = [name for name in before if name != before[20]]
        assert handle.names(1024) == [*left, "file99"]


def test_single_look_ups(kernel: Kernel) -> None:
    folder(kernel, "\\Folder")
    write(kernel, "\\Folder\\Name.txt", b"12345")
    with kernel.opened("\\FOLDER", options=k.DIRECTORY_FILE) as handle:
        found = handle.query("NAME.TXT")
        assert found is not None
        assert (found.name, found.info.size) == ("Name.txt", 5)
        assert handle.query("none") is None


# --- what comes from the server -------------------------------------------------------------------


def test_what_is_open_is_not_exchanged(kernel: Kernel, drive: Mounted) -> None:
    node = drive.run(drive.world.place, "open", b"first")
    attr = drive.run(drive.world.replica.attr, node)
    with kernel.opened("\\open", OPEN, READ):
        assert recorded(drive, b"open").pinned
        with kernel.opened("\\open", OPEN, k.READ_ATTRIBUTES):
            pass
        assert recorded(drive, b"open").pinned
    assert not recorded(drive, b"open").pinned
    with kernel.opened("\\open", OPEN, k.READ_ATTRIBUTES) as looker:
        assert not recorded(drive, b"open").pinned
        drive.run(drive.world.install_content, node, b"second content")
        assert looker.stat().size == 14  # it follows the name
        assert looker.stat().number != attr.ino
    assert read(kernel, "\\open") == b"second content"


def test_a_file_that_the_reconciler_moved_is_deleted_where_it_is(
    kernel: Kernel, drive: Mounted
) -> None:
    from reconciler.model import Place

    write(kernel, "\\here", b"x")
    node = drive.run(drive.world.replica.lookup, ROOT, b"here")
    with kernel.opened("\\here", OPEN, READ | DELETE) as handle:
        drive.run(drive.world.replica.move_local, node, Place(ROOT, "there"), None)
        write(kernel, "\\stranger", b"y")
        handle.set_delete()
    assert names(kernel) == ["stranger"]


def test_windows_is_told_what_the_server_brought(kernel: Kernel, drive: Mounted) -> None:
    replica = drive.world.replica

    def told() -> list[tuple[int, str]]:
        drive.wait(drive.world.fs.names.passed_on)
        return [(each.action, each.path) for each in kernel.notices() if not each.filter & 4]

    folder(kernel, "\\Folder")
    write(kernel, "\\Folder\\made here", b"x")
    assert told() == []
    inner = drive.run(replica.lookup, ROOT, b"Folder")
    node = drive.run(replica.new_id)
    base = Base(Kind.FILE, inner, "new:file", 3, 1_700_000_000, 0, 0)
    drive.run(replica.place_file, node, base)
    assert told() == [(1, "\\Folder\\new\uf03afile")]
    from reconciler.model import Place

    drive.run(replica.move_local, node, Place(inner, "named"), None)
    assert told() == [(4, "\\Folder\\new\uf03afile"), (5, "\\Folder\\named")]
    drive.run(replica.move_local, node, Place(ROOT, "moved"), None)
    assert told() == [(2, "\\Folder\\named"), (1, "\\moved")]
    drive.run(drive.world.install_content, node, b"content")
    assert told() == [(3, "\\moved")]
    drive.run(replica.delete_local, node, keep=False, why="test")
    assert told() == [(2, "\\moved")]


def test_notices_wait_for_renames(kernel: Kernel, drive: Mounted) -> None:
    kernel._transport.rename_is_under_way(3)
    drive.run(drive.world.place, "new", b"x")
    drive.wait(drive.world.fs.names.passed_on)
    assert (1, 1, "\\new") in kernel.notices()


# --- drives that may not be written to ------------------------------------------------------------


def test_a_read_only_drive(kernel: Kernel, drive: Mounted) -> None:
    write(kernel, "\\file", b"x")
    folder(kernel, "\\folder")
    handle = kernel.create_file("\\file", OPEN, READ | WRITE)
    drive.world.fs.read_only = True
    for disposition in (OPEN, k.OPEN_IF, k.OVERWRITE, k.OVERWRITE_IF):
        refused(k.WRITE_PROTECTED, kernel.create_file, "\\file", disposition, WRITE)
    refused(k.WRITE_PROTECTED, kernel.create_file, "\\new", CREATE, WRITE)
    refused(k.WRITE_PROTECTED, folder, kernel, "\\new")
    refused(k.WRITE_PROTECTED, rename, kernel, "\\file", "\\new")
    for path in ("\\file", "\\folder"):
        refused(k.WRITE_PROTECTED, remove, kernel, path)
    with kernel.opened("\\file", OPEN, READ | k.WRITE_ATTRIBUTES) as other:
        refused(k.WRITE_PROTECTED, other.set_basic, k.HIDDEN)
        refused(k.WRITE_PROTECTED, other.set_basic, 0, TIME, TIME, TIME)
        assert other.read() == b"x"
    refused(k.WRITE_PROTECTED, handle.write, 0, b"y")
    handle.close()
    drive.world.fs.read_only = False
    write(kernel, "\\file", b"y")


def test_a_writer_from_before_goes_on_when_the_drive_becomes_read_only(
    kernel: Kernel, drive: Mounted
) -> None:
    with kernel.opened("\\file", CREATE, READ | WRITE) as handle:
        handle.write(0, b"one")
        drive.world.fs.read_only = True
        handle.write(3, b"two")
    drive.world.fs.read_only = False
    assert read(kernel, "\\file") == b"onetwo"


# --- errors and ends ------------------------------------------------------------------------------


@pytest.mark.expected_log("could not be recorded yet")
def test_a_disk_that_is_full_at_the_end(
    kernel: Kernel, drive: Mounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = kernel.create_file("\\file", CREATE, READ | WRITE)
    handle.write(0, b"content")
    journal = drive.world.replica._journal

    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(journal, "append", refuse)
        refused(k.DISK_FULL, kernel.create_file, "\\another", CREATE, WRITE)
        handle.close()
    drive.run(drive.world.fs.record_quiet_handles, float("inf"))
    assert recorded(drive, b"file").size == 7


@pytest.mark.expected_log("Unexpected error in a request of the driver")
def test_what_nobody_expected_is_an_error_and_no_end(
    kernel: Kernel, drive: Mounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise ZeroDivisionError

    write(kernel, "\\file", b"x")
    with monkeypatch.context() as patch:
        patch.setattr(drive.world.fs, "getattr", broken)
        patch.setattr(drive.world.fs, "read", broken)
        refused(0xC00000E9, kernel.security_of, "\\file")
    assert read(kernel, "\\file") == b"x"


def test_what_is_left_open_is_recorded_at_the_end(kernel: Kernel, drive: Mounted) -> None:
    handle = kernel.create_file("\\file", CREATE, READ | WRITE)
    handle.write(0, b"written, and never closed")
    drive.stop()
    assert drive.failure is None
    again = Mounted(drive._folder)
    again.start()
    try:
        assert read(again.kernel, "\\file") == b"written, and never closed"
    finally:
        again.stop()
    handle.node.handles.clear()  # type: ignore[union-attr]
    drive.run = lambda *_: 0  # type: ignore[method-assign]


def test_the_state_after_a_restart(kernel: Kernel, drive: Mounted) -> None:
    write(kernel, "\\Kept.txt", b"content", k.HIDDEN)
    with kernel.opened("\\Kept.txt", OPEN, k.WRITE_ATTRIBUTES) as handle:
        handle.set_basic(created=TIME - 1, written=TIME)
    drive.stop()
    drive.run = lambda *_: 0  # type: ignore[method-assign]
    again = Mounted(drive._folder)
    again.start()
    try:
        [found] = [each for each in _list(again.kernel) if each.name == "Kept.txt"]
        assert (found.info.created, found.info.written) == (TIME - 1, TIME)
        assert found.info.attributes == k.HIDDEN | k.ARCHIVE
    finally:
        again.stop()


def _list(kernel: Kernel) -> list[k.Entry]:
    with kernel.opened("\\", options=k.DIRECTORY_FILE) as handle:
        return handle.entries()
