"""What WinFsp's driver and the library's fsop.c make of a program's calls, as far as a file system
can see it. Written from WinFsp's headers, documentation and sources; nothing of it is theirs.

What is followed here:

- Names: what the driver refuses before it asks. Files that are open are known by the name that the
  file system tells (the normalized name), whatever their case.
- fsop.c asks for the security descriptor before it opens or creates, and refuses read-only files
  that are to be written or deleted.
- Share modes and pending deletions are looked at after the file system has opened the file; then
  it is told to close it, without a cleanup.
- Overwriting needs the attributes hidden and system again. If it fails, the file is closed.
- A cleanup is sent when the handle changed something, or deletes; a close always.
- Renaming is refused where the target, or something below the folder, is open.

No locks and no oplocks: the driver does them alone. The cache manager is not here; what it writes
late, `Handle.write_mapped` writes.

This file is long because the driver's rules share its table of open files.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.winfsp.transports import Answer, Transport

SUCCESS = 0
BUFFER_OVERFLOW = 0x80000005
INVALID_PARAMETER = 0xC000000D
INVALID_DEVICE_REQUEST = 0xC0000010
END_OF_FILE = 0xC0000011
ACCESS_DENIED = 0xC0000022
NAME_INVALID = 0xC0000033
NOT_FOUND = 0xC0000034
COLLISION = 0xC0000035
PATH_NOT_FOUND = 0xC000003A
SHARING_VIOLATION = 0xC0000043
DELETE_PENDING = 0xC0000056
DISK_FULL = 0xC000007F
WRITE_PROTECTED = 0xC00000A2
IS_A_DIRECTORY = 0xC00000BA
NOT_EMPTY = 0xC0000101
NOT_A_DIRECTORY = 0xC0000103
CANNOT_DELETE = 0xC0000121
UNREACHABLE = 0xC000023C
CANCELLED = 0xC0000120

CREATE, OPEN, OPEN_IF, OVERWRITE, OVERWRITE_IF, SUPERSEDE = (
    *("create", "open", "open_if"),
    *("overwrite", "overwrite_if", "supersede"),
)

READ, WRITE, APPEND, EXECUTE = 0x1, 0x2, 0x4, 0x20
READ_ATTRIBUTES, WRITE_ATTRIBUTES, DELETE = 0x80, 0x100, 0x10000
DELETE_CHILD = 0x40
SHARE_ALL, SHARE_READ, SHARE_WRITE, SHARE_DELETE = 7, 1, 2, 4
DIRECTORY_FILE, NON_DIRECTORY_FILE, DELETE_ON_CLOSE = 0x1, 0x40, 0x1000

READONLY, HIDDEN, SYSTEM, DIRECTORY, ARCHIVE, NORMAL = 0x1, 0x2, 0x4, 0x10, 0x20, 0x80
OFFLINE, RECALL_ON_DATA_ACCESS = 0x1000, 0x400000
INVALID_ATTRIBUTES = 0xFFFFFFFF

CLEANUP_DELETE, CLEANUP_ARCHIVE, CLEANUP_WRITTEN, CLEANUP_CHANGED = 0x01, 0x10, 0x40, 0x80


class Refused(Exception):
    """A status that is an error."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:08x}")
        self.status = status


class Info(NamedTuple):
    attributes: int
    reparse_tag: int
    allocation_size: int
    size: int
    created: int
    accessed: int
    written: int
    changed: int
    number: int
    links: int
    ea_size: int


_INFO = struct.Struct("<IIQQQQQQQII")


class Entry(NamedTuple):
    name: str
    info: Info


class Notice(NamedTuple):
    filter: int
    action: int
    path: str


def _utf16(text: str) -> ctypes.Array[ctypes.c_char]:
    raw = text.encode("utf-16-le", "surrogatepass") + b"\0\0"
    return ctypes.create_string_buffer(raw, len(raw))


def _address(memory: object) -> int:
    return ctypes.addressof(memory)  # type: ignore[arg-type]


@dataclass(eq=False)
class _Node:
    """What the driver knows of a file that is open."""

    name: str
    handles: list[Handle] = field(default_factory=list)
    delete: bool = False


@dataclass
class Volume:
    total: int
    free: int
    label: str


class Kernel:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._nodes: dict[str, _Node] = {}
        self.was_pending = 0

    # Requests -------------------------------------------------------------------------------------

    def call(self, name: str, *arguments: int) -> Answer:
        answer = self._transport.call(name, *arguments)
        self.was_pending += answer.was_pending
        return answer

    def ask(self, name: str, *arguments: int) -> Answer:
        """Raises Refused."""
        answer = self.call(name, *arguments)
        if answer.status != SUCCESS:
            raise Refused(answer.status)
        return answer

    def security_of(self, path: str) -> tuple[int, bytes]:
        """Attributes and security descriptor, as fsop.c asks: again when there was no room."""
        name, attributes = _utf16(path), ctypes.c_uint32()
        room = 16
        while True:
            descriptor, size = ctypes.create_string_buffer(room), ctypes.c_size_t(room)
            answer = self.call(
                "get_security_by_name",
                _address(name),
                _address(attributes),
                _address(descriptor),
                _address(size),
            )
            if answer.status != BUFFER_OVERFLOW:
                break
            assert size.value > room
            room = size.value
        if answer.status != SUCCESS:
            raise Refused(answer.status)
        return attributes.value, descriptor.raw[: size.value]

    def volume(self) -> Volume:
        memory = ctypes.create_string_buffer(88)
        self.ask("get_volume_info", _address(memory))
        total, free, length = struct.unpack_from("<QQH", memory.raw)
        return Volume(total, free, memory.raw[18 : 18 + length].decode("utf-16-le"))

    def set_label(self, label: str) -> None:
        memory = ctypes.create_string_buffer(88)
        name = _utf16(label)
        self.ask("set_volume_label", _address(name), _address(memory))

    def flush_volume(self) -> None:
        memory = ctypes.create_string_buffer(72)
        self.ask("flush", 0, _address(memory))

    def notices(self) -> list[Notice]:
        """What the frontend has told of."""
        found = []
        for batch in self._transport.notices():
            at = 0
            while at < len(batch):
                size, kind, action = struct.unpack_from("<H2xII", batch, at)
                found.append(Notice(kind, action, batch[at + 12 : at + size].decode("utf-16-le")))
                at += -(-size // 8) * 8
        return found

    # Opening --------------------------------------------------------------------------------------

    def create_file(
        self,
        path: str,
        disposition: str = OPEN,
        access: int = READ,
        share: int = SHARE_ALL,
        options: int = 0,
        attributes: int = 0,
    ) -> Handle:
        """NtCreateFile."""
        self._check_name(path)
        if options & DIRECTORY_FILE and options & NON_DIRECTORY_FILE:
            raise Refused(INVALID_PARAMETER)
        attributes &= ~(NORMAL | DIRECTORY)
        if options & DIRECTORY_FILE:
            attributes |= DIRECTORY
        made = disposition == CREATE
        handle = None
        if not made:
            try:
                handle = self._open(path, disposition, access, share, options)
            except Refused as refused:
                if refused.status != NOT_FOUND or disposition in {OPEN, OVERWRITE}:
                    raise
                made = True
        if made:
            handle = self._create(path, access, share, options, attributes)
        assert handle is not None
        self._share(handle)
        if not made and disposition in {OVERWRITE, OVERWRITE_IF, SUPERSEDE}:
            self._overwrite(handle, attributes, replace=disposition == SUPERSEDE)
        handle.delete_on_close = bool(options & DELETE_ON_CLOSE)
        return handle

    def _check_name(self, path: str) -> None:
        parts = path.split("\\")[1:]
        if path != "\\" and any(
            not part or len(part) > 255 or any(each in '"*<>?|:/' or each < " " for each in part)
            for part in parts
        ):
            raise Refused(NAME_INVALID)

    def _create(self, path: str, access: int, share: int, options: int, attributes: int) -> Handle:
        if attributes & READONLY and options & DELETE_ON_CLOSE:
            raise Refused(CANNOT_DELETE)
        if path == "\\":
            raise Refused(INVALID_PARAMETER)
        above, _ = self._traverse(path.rpartition("\\")[0] or "\\", is_last=False)
        if not above & DIRECTORY:
            raise Refused(NOT_A_DIRECTORY)
        name, context, memory = _utf16(path), ctypes.c_void_p(), _OpenInfo()
        try:
            self.ask(
                *("create", _address(name), options, access, attributes, 0, 0),
                *(_address(context), memory.address),
            )
        except Refused as refused:
            if refused.status == COLLISION and options & NON_DIRECTORY_FILE:
                found, _ = self.security_of(path)
                if found & DIRECTORY:
                    raise Refused(IS_A_DIRECTORY) from None
            raise
        return Handle(self, memory.name() or path, context.value or 0, access, share, memory.info())

    def _open(self, path: str, disposition: str, access: int, share: int, options: int) -> Handle:
        found, _ = self._traverse(path, is_last=True)
        if options & DIRECTORY_FILE and not found & DIRECTORY:
            raise Refused(NOT_A_DIRECTORY)
        if options & NON_DIRECTORY_FILE and found & DIRECTORY:
            raise Refused(IS_A_DIRECTORY)
        wanted = access
        if disposition in {OVERWRITE, OVERWRITE_IF}:
            wanted |= WRITE
        elif disposition == SUPERSEDE:
            wanted |= DELETE
        if found & READONLY and wanted & (WRITE | APPEND | DELETE_CHILD) and not found & DIRECTORY:
            raise Refused(ACCESS_DENIED)
        if found & READONLY and options & DELETE_ON_CLOSE:
            raise Refused(CANNOT_DELETE)
        name, context, memory = _utf16(path), ctypes.c_void_p(), _OpenInfo()
        self.ask("open", _address(name), options, access, _address(context), memory.address)
        return Handle(self, memory.name() or path, context.value or 0, access, share, memory.info())

    def _traverse(self, path: str, *, is_last: bool) -> tuple[int, bytes]:
        """The attributes of what has the path. Where a folder is missing above it, it is the path
        that is not found."""
        try:
            return self.security_of(path)
        except Refused as refused:
            if refused.status == NOT_FOUND and not is_last:
                raise Refused(PATH_NOT_FOUND) from None
            raise

    def _share(self, handle: Handle) -> None:
        """FspFileNodeOpen: pending deletions, then share modes; else the file is closed again."""
        node = self._nodes.setdefault(handle.name.upper(), _Node(handle.name))
        sharers = [other for other in node.handles if other.access & _SHARED]
        failure = SUCCESS
        if node.delete:
            failure = DELETE_PENDING
        elif handle.access & _SHARED and any(_conflicts(handle, other) for other in sharers):
            failure = SHARING_VIOLATION
        if failure != SUCCESS:
            self.call("close", handle.context)
            raise Refused(failure)
        node.handles.append(handle)
        handle.node = node

    def _overwrite(self, handle: Handle, attributes: int, *, replace: bool) -> None:
        there = handle.info.attributes
        if there & (HIDDEN | SYSTEM) & ~attributes:
            self._unshare(handle)
            self.call("close", handle.context)
            raise Refused(ACCESS_DENIED)
        memory = ctypes.create_string_buffer(72)
        answer = self.call(
            "overwrite", handle.context, attributes, int(replace), 0, _address(memory)
        )
        if answer.status != SUCCESS:
            self._unshare(handle)
            self.call("close", handle.context)
            raise Refused(answer.status)
        handle.info = Info(*_INFO.unpack(memory.raw))
        handle.modified = True

    def _unshare(self, handle: Handle) -> None:
        node = handle.node
        assert node is not None
        node.handles.remove(handle)
        if not node.handles and self._nodes.get(node.name.upper()) is node:
            del self._nodes[node.name.upper()]

    def renamed(self, handle: Handle, new: str) -> None:
        node = handle.node
        assert node is not None
        old = node.name.upper()
        for name in [name for name in self._nodes if name == old or name.startswith(old + "\\")]:
            moved = self._nodes.pop(name)
            moved.name = new + moved.name[len(old) :]
            self._nodes[moved.name.upper()] = moved
            for each in moved.handles:
                each.name = moved.name

    def is_open(self, path: str, *, below: bool = False) -> bool:
        name = path.upper()
        return any(
            node.handles and (known == name or (below and known.startswith(name + "\\")))
            for known, node in self._nodes.items()
        )

    def open_handles(self) -> int:
        return sum(len(node.handles) for node in self._nodes.values())

    @contextmanager
    def opened(self, path: str, *how: object, **more: object) -> Iterator[Handle]:
        handle = self.create_file(path, *how, **more)  # type: ignore[arg-type]
        try:
            yield handle
        finally:
            handle.close()


_SHARED = READ | WRITE | APPEND | EXECUTE | DELETE
"""Who asks for none of these, attributes say, is let in always, and keeps nobody out."""


def _conflicts(one: Handle, other: Handle) -> bool:
    return _conflict(one.access, other.share) or _conflict(other.access, one.share)


def _conflict(access: int, share: int) -> bool:
    """Whether somebody who lets others do this refuses what is asked for (IoCheckShareAccess)."""
    return bool(
        (access & (READ | EXECUTE) and not share & SHARE_READ)
        or (access & (WRITE | APPEND) and not share & SHARE_WRITE)
        or (access & DELETE and not share & SHARE_DELETE)
    )


class _OpenInfo:
    """FSP_FSCTL_OPEN_FILE_INFO, with room for the normalized name."""

    def __init__(self) -> None:
        self._name = ctypes.create_string_buffer(2048)
        self._memory = ctypes.create_string_buffer(88)
        struct.pack_into("<QH", self._memory, 72, _address(self._name), len(self._name))
        self.address = _address(self._memory)

    def name(self) -> str:
        (size,) = struct.unpack_from("<H", self._memory, 80)
        return "" if size == 2048 else self._name.raw[:size].decode("utf-16-le", "surrogatepass")

    def info(self) -> Info:
        return Info(*_INFO.unpack_from(self._memory))


class Handle:
    """What a program has open. Each method is a call of Windows."""

    def __init__(
        self, kernel: Kernel, name: str, context: int, access: int, share: int, info: Info
    ) -> None:
        self._kernel = kernel
        self.name = name
        self.context = context
        self.access = access
        self.share = share
        self.info = info
        self.node: _Node | None = None
        self.delete_on_close = False
        self.modified = False
        self._set_written = self._set_attributes = self._set_metadata = False

    def _refresh(self, memory: ctypes.Array[ctypes.c_char]) -> Info:
        self.info = Info(*_INFO.unpack(memory.raw))
        return self.info

    # Contents -------------------------------------------------------------------------------------

    def read(self, offset: int = 0, length: int = 1 << 20) -> bytes:
        buffer, count = ctypes.create_string_buffer(length or 1), ctypes.c_uint32()
        answer = self._kernel.call(
            "read", self.context, _address(buffer), offset, length, _address(count)
        )
        if answer.status == END_OF_FILE:
            return b""
        if answer.status != SUCCESS:
            raise Refused(answer.status)
        return buffer.raw[: answer.transferred if answer.was_pending else count.value]

    def write(self, offset: int, data: bytes) -> int:
        return self._write(offset, data, constrained=False)

    def append(self, data: bytes) -> int:
        return self._write(-1, data, constrained=False)

    def write_mapped(self, offset: int, data: bytes) -> int:
        """The memory manager writes; possible until the file is closed."""
        return self._write(offset, data, constrained=True)

    def _write(self, offset: int, data: bytes, *, constrained: bool) -> int:
        buffer, count = ctypes.create_string_buffer(data, len(data) or 1), ctypes.c_uint32()
        memory = ctypes.create_string_buffer(72)
        answer = self._kernel.ask(
            *("write", self.context, _address(buffer), offset, len(data), int(offset == -1)),
            *(int(constrained), _address(count), _address(memory)),
        )
        if answer.was_pending:
            self.info = Info(*_INFO.unpack(answer.info))
        else:
            self._refresh(memory)
        if not constrained:
            self.modified = True
        return answer.transferred if answer.was_pending else count.value

    def set_end(self, size: int) -> None:
        memory = ctypes.create_string_buffer(72)
        self._kernel.ask("set_file_size", self.context, size, 0, _address(memory))
        self._refresh(memory)
        self.modified = True

    def set_allocation(self, size: int) -> None:
        memory = ctypes.create_string_buffer(72)
        self._kernel.ask("set_file_size", self.context, size, 1, _address(memory))
        self._refresh(memory)
        self.modified = True

    def flush(self) -> None:
        memory = ctypes.create_string_buffer(72)
        self._kernel.ask("flush", self.context, _address(memory))
        self._refresh(memory)

    # Attributes -----------------------------------------------------------------------------------

    def stat(self) -> Info:
        memory = ctypes.create_string_buffer(72)
        self._kernel.ask("get_file_info", self.context, _address(memory))
        return self._refresh(memory)

    def set_basic(
        self, attributes: int = 0, created: int = 0, accessed: int = 0, written: int = 0
    ) -> Info:
        """SetFileTime and SetFileAttributes; 0 leaves what it is."""
        is_folder = self.info.attributes & DIRECTORY
        if attributes == 0:
            attributes = INVALID_ATTRIBUTES
        else:
            attributes = attributes & ~(NORMAL | DIRECTORY) | is_folder
            self._set_attributes = True
        self._set_written = self._set_written or written != 0
        self._set_metadata = True
        memory = ctypes.create_string_buffer(72)
        self._kernel.ask(
            *("set_basic_info", self.context, attributes, created, accessed, written, 0),
            _address(memory),
        )
        return self._refresh(memory)

    def security(self, room: int = 4096) -> bytes:
        descriptor, size = ctypes.create_string_buffer(room), ctypes.c_size_t(room)
        answer = self._kernel.call(
            "get_security", self.context, _address(descriptor), _address(size)
        )
        if answer.status == BUFFER_OVERFLOW:
            return self.security(size.value)
        if answer.status != SUCCESS:
            raise Refused(answer.status)
        return descriptor.raw[: size.value]

    def set_security(self, descriptor: bytes) -> None:
        memory = ctypes.create_string_buffer(descriptor, len(descriptor))
        self._kernel.ask("set_security", self.context, 4, _address(memory))

    # Names ----------------------------------------------------------------------------------------

    def set_delete(self, delete: bool = True) -> None:
        """FileDispositionInformation."""
        if delete:
            if self.stat().attributes & READONLY and not self.info.attributes & DIRECTORY:
                raise Refused(CANNOT_DELETE)
            name = _utf16(self.name)
            self._kernel.ask("can_delete", self.context, _address(name))
        assert self.node is not None
        self.node.delete = delete

    def rename(self, new: str, *, replace: bool = False) -> None:
        """FileRenameInformation."""
        kernel, old = self._kernel, self.name
        kernel._check_name(new)
        above, _ = kernel._traverse(new.rpartition("\\")[0] or "\\", is_last=False)
        if not above & DIRECTORY:
            raise Refused(NOT_A_DIRECTORY)
        if old.upper() != new.upper() and kernel.is_open(new):
            raise Refused(ACCESS_DENIED)
        if self.info.attributes & DIRECTORY and any(
            kernel.is_open(each, below=True) and each != old
            for each in [node.name for node in kernel._nodes.values()]
            if each.upper().startswith(old.upper() + "\\")
        ):
            raise Refused(ACCESS_DENIED)
        if replace:
            try:
                found, _ = kernel.security_of(new)
            except Refused as refused:
                if refused.status not in {NOT_FOUND, PATH_NOT_FOUND}:
                    raise
            else:
                if found & READONLY and old.upper() != new.upper():
                    raise Refused(CANNOT_DELETE)
        name, target = _utf16(old), _utf16(new)
        kernel.ask("rename", self.context, _address(name), _address(target), int(replace))
        kernel.renamed(self, new)

    # Folders --------------------------------------------------------------------------------------

    def entries(self, room: int = 4096) -> list[Entry]:
        """NtQueryDirectoryFile, to the end."""
        found: list[Entry] = []
        while True:
            marker = _utf16(found[-1].name) if found else None
            buffer, count = ctypes.create_string_buffer(room), ctypes.c_uint32()
            self._kernel.ask(
                *("read_directory", self.context, 0, 0 if marker is None else _address(marker)),
                *(_address(buffer), room, _address(count)),
            )
            entries, is_last = _entries(buffer.raw[: count.value])
            found += entries
            if is_last or not entries:
                assert is_last or room < 800, "the end was not told"
                return found

    def names(self, room: int = 4096) -> list[str]:
        return [each.name for each in self.entries(room) if each.name not in {".", ".."}]

    def query(self, name: str) -> Entry | None:
        """A listing with a name for its pattern."""
        pattern, memory = _utf16(name), ctypes.create_string_buffer(104 + 2 * 255)
        answer = self._kernel.call(
            "get_dir_info_by_name", self.context, _address(pattern), _address(memory)
        )
        if answer.status == NOT_FOUND:
            return None
        if answer.status != SUCCESS:
            raise Refused(answer.status)
        [entry], _ = _entries(memory.raw[: struct.unpack_from("<H", memory)[0]])
        return entry

    # Closing --------------------------------------------------------------------------------------

    def cleanup(self) -> None:
        """CloseHandle: the last one of this handle."""
        node, kernel = self.node, self._kernel
        assert node is not None
        if self.delete_on_close:
            node.delete = True
        node.handles.remove(self)
        delete = node.delete and not node.handles
        flags = CLEANUP_DELETE if delete else 0
        if self.modified and not self._set_attributes:
            flags |= CLEANUP_ARCHIVE
        if self.modified and not self._set_written:
            flags |= CLEANUP_WRITTEN
        if self.modified or self._set_metadata:
            flags |= CLEANUP_CHANGED
        if flags:
            name = _utf16(node.name)
            kernel.call("cleanup", self.context, _address(name) if delete else 0, flags)
        if not node.handles and kernel._nodes.get(node.name.upper()) is node:
            del kernel._nodes[node.name.upper()]

    def finish(self) -> None:
        """The driver lets go of the file, some time after the cleanup."""
        self._kernel.call("close", self.context)

    def close(self) -> None:
        self.cleanup()
        self.finish()


def _entries(raw: bytes) -> tuple[list[Entry], bool]:
    found: list[Entry] = []
    at = 0
    while at + 2 <= len(raw):
        (size,) = struct.unpack_from("<H", raw, at)
        if size == 0:
            return found, True
        name = raw[at + 104 : at + size].decode("utf-16-le", "surrogatepass")
        found.append(Entry(name, Info(*_INFO.unpack_from(raw, at + 8))))
        at = -(-(at + size) // 8) * 8
    return found, False
