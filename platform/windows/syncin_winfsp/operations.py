"""winfspy's operations: each request of the driver goes to `syncin_winfsp.drive`, and its answer
into the driver's memory. Nothing is decided here.

The driver's requests come on WinFsp's own threads, of which there are few. Each waits there for
the trio thread, which does one after the other; but reads and writes are answered later
(STATUS_PENDING) and keep no thread, as they may wait for content.

All of winfspy's ``ll_…`` methods that are used are replaced. They ask for a file's attributes in a
second call each, look at the debugger's hooks, do not tell how large a security descriptor is that
does not fit, and have no way to answer later. What is left of winfspy is its binding, and
`FileSystem`.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final

import trio
import winfspy
from winfspy.plumbing import ffi, lib

from syncin_winfsp.contexts import Context
from syncin_winfsp.values import structures
from syncin_winfsp.values.statuses import Refused, Status, status_of
from syncin_winfsp.values.volume import ANSWER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from syncin_winfsp.drive import Drive
    from syncin_winfsp.values.attributes import FileInfo

log = logging.getLogger(__name__)

_NORMALIZED_NAME: Final = 72
_NORMALIZED_NAME_SIZE: Final = 80
"""Where FSP_FSCTL_OPEN_FILE_INFO has them, behind FSP_FSCTL_FILE_INFO."""


def status_for(error: BaseException) -> Status:
    """What the driver is told of an exception: of one that nobody expected, with a traceback in
    the log."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, OSError):
        return status_of(error)
    if isinstance(error, (trio.RunFinishedError, trio.Cancelled)):
        return Status.CANCELLED
    log.error("Unexpected error in a request of the driver", exc_info=error)
    return Status.UNEXPECTED_IO_ERROR


def answered(method: Callable[..., Status | None]) -> Callable[..., int]:
    """Turns exceptions into statuses: nothing else may leave a request's thread."""

    @functools.wraps(method)
    def answer(*args: Any) -> int:
        try:
            found = method(*args)
        except BaseException as error:  # noqa: BLE001 - they would end in WinFsp's thread
            return int(status_for(error))
        return int(Status.SUCCESS if found is None else found)

    return answer


def _put(pointer: Any, content: bytes) -> None:
    ffi.memmove(ffi.cast("char *", pointer), content, len(content))


class Operations(winfspy.BaseFileSystemOperations):
    """``descriptor`` is the security descriptor of all that is in the drive.

    ``file_system`` is winfspy's pointer to FSP_FILE_SYSTEM while there is one; ``requests`` runs
    what is answered later. Both are given before the first request.
    """

    def __init__(self, drive: Drive, descriptor: bytes) -> None:
        super().__init__()
        self.file_system: Any = None
        self.requests: trio.Nursery | None = None
        self._ending: dict[int, trio.CancelScope] = {}
        self._is_ending = False
        self._drive = drive
        self._token = trio.lowlevel.current_trio_token()
        self._descriptor = descriptor

    # Between threads ------------------------------------------------------------------------------

    def _call(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Runs a method of the drive in the trio thread."""
        call = functools.partial(method, *args, **options)
        return trio.from_thread.run_sync(call, trio_token=self._token)

    def _wait(self, method: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        """Runs one that may wait. It waits for as long as the driver does."""
        call = functools.partial(method, *args, **options)

        async def within_limit() -> Any:
            with trio.move_on_after(ANSWER_SECONDS):
                return await call()
            raise Refused(Status.IO_TIMEOUT)

        return trio.from_thread.run(within_limit, trio_token=self._token)

    def _answer_later(self, kind: int, work: Callable[[], Awaitable[Answer]]) -> Status:
        """Answers this thread's request when the work is done."""
        context = lib.FspFileSystemGetOperationContext()
        request = ffi.cast("uintptr_t *", context)[0]
        hint = int(ffi.cast("uint64_t *", request + structures.HINT_OFFSET)[0])
        self._token.run_sync_soon(self._begin, kind, hint, work)
        return Status.PENDING

    def _begin(self, kind: int, hint: int, work: Callable[[], Awaitable[Answer]]) -> None:
        if self._is_ending or self.requests is None:
            self._send(kind, hint, Status.CANCELLED, 0, None)
        else:
            self.requests.start_soon(self._finish, kind, hint, work)

    def cancel(self) -> None:
        """The drive is being unmounted: what waits is answered, and what comes is refused."""
        self._is_ending = True
        for scope in list(self._ending.values()):
            scope.cancel()

    async def _finish(self, kind: int, hint: int, work: Callable[[], Awaitable[Answer]]) -> None:
        answer: Answer = (0, None)
        try:
            with trio.move_on_after(ANSWER_SECONDS) as scope:
                self._ending[hint] = scope
                if self._is_ending:
                    scope.cancel()
                answer = await work()
            status = Status.SUCCESS
            if scope.cancelled_caught:
                status = Status.CANCELLED if self._is_ending else Status.IO_TIMEOUT
        except Exception as error:  # noqa: BLE001 - the driver waits for an answer
            status = status_for(error)
        finally:
            self._ending.pop(hint, None)
        self._send(kind, hint, status, *answer)

    def _send(self, kind: int, hint: int, status: int, count: int, info: FileInfo | None) -> None:
        if self.file_system is None:
            return
        content = ffi.new("char[]", structures.RESPONSE_BYTES)
        _put(content, structures.response(kind, hint, status, count, info))
        lib.FspFileSystemSendResponse(
            self.file_system, ffi.cast("FSP_FSCTL_TRANSACT_RSP *", content)
        )

    def _context(self, pointer: Any) -> Context:
        found = ffi.from_handle(pointer)
        assert isinstance(found, Context)
        return found

    def _tell(self, pointer: Any, info: FileInfo) -> None:
        _put(pointer, structures.file_info(info))

    # The volume -----------------------------------------------------------------------------------

    @answered
    def ll_get_volume_info(self, volume_info: Any) -> None:
        """Sizes and name."""
        _put(volume_info, structures.volume_info(self._call(self._drive.volume)))

    @answered
    def ll_set_volume_label(self, _label: Any, _volume_info: Any) -> Status:
        """The name is the synchronization's."""
        return Status.ACCESS_DENIED

    # Security -------------------------------------------------------------------------------------

    def _describe(self, descriptor: Any, size: Any) -> Status:
        """Copies the descriptor, or tells how large it is."""
        if size == ffi.NULL:
            return Status.SUCCESS
        room, size[0] = size[0], len(self._descriptor)
        if room < len(self._descriptor):
            return Status.BUFFER_OVERFLOW
        if descriptor != ffi.NULL:
            _put(descriptor, self._descriptor)
        return Status.SUCCESS

    @answered
    def ll_get_security_by_name(
        self, name: Any, attributes: Any, descriptor: Any, size: Any
    ) -> Status:
        """What a path leads to, before it is opened."""
        found = self._call(self._drive.attributes, ffi.string(name))
        if attributes != ffi.NULL:
            attributes[0] = found
        return self._describe(descriptor, size)

    @answered
    def ll_get_security(self, _context: Any, descriptor: Any, size: Any) -> Status:
        """The same for all."""
        return self._describe(descriptor, size)

    @answered
    def ll_set_security(self, _context: Any, _information: Any, _descriptor: Any) -> None:
        """Copies bring it along: it is taken, and means nothing."""

    # Opening and closing --------------------------------------------------------------------------

    def _opened(self, opened: tuple[Context, FileInfo, str], p_context: Any, info: Any) -> None:
        context, found, path = opened
        pointer = ffi.new_handle(context)
        self._opened_objs[pointer] = context
        p_context[0] = pointer
        self._tell(info, found)
        self._normalize(info, path)

    def _normalize(self, info: Any, path: str) -> None:
        """Tells the name in its true case: the driver notices changes under that."""
        base = int(ffi.cast("uintptr_t", info))
        buffer = ffi.cast("uintptr_t *", base + _NORMALIZED_NAME)[0]
        size = ffi.cast("uint16_t *", base + _NORMALIZED_NAME_SIZE)
        name = structures.utf16(path)
        if buffer and len(name) <= size[0]:
            _put(ffi.cast("char *", buffer), name)
            size[0] = len(name)

    @answered
    def ll_create(
        self,
        name: Any,
        options: int,
        access: int,
        attributes: int,
        _descriptor: Any,
        _allocation_size: int,
        p_context: Any,
        info: Any,
    ) -> None:
        """A new file or folder."""
        made = self._wait(self._drive.create, ffi.string(name), options, access, attributes)
        self._opened(made, p_context, info)

    @answered
    def ll_open(self, name: Any, options: int, access: int, p_context: Any, info: Any) -> None:
        """What is there."""
        found = self._call(self._drive.open, ffi.string(name), options, access)
        self._opened(found, p_context, info)

    @answered
    def ll_overwrite(
        self, context: Any, attributes: int, replace: Any, _allocation_size: int, info: Any
    ) -> None:
        """The file becomes empty."""
        found = self._wait(
            self._drive.overwrite,
            self._context(context),
            attributes,
            replace_attributes=bool(replace),
        )
        self._tell(info, found)

    @answered
    def ll_cleanup(self, context: Any, _name: Any, flags: int) -> None:
        """The program's last handle is closed."""
        self._call(self._drive.cleanup, self._context(context), flags)

    @answered
    def ll_close(self, context: Any) -> None:
        """The driver forgets it."""
        try:
            self._call(self._drive.close, self._context(context))
        finally:
            self._opened_objs.pop(context, None)

    # Contents -------------------------------------------------------------------------------------

    @answered
    def ll_read(self, context: Any, buffer: Any, offset: int, length: int, _p_count: Any) -> Status:
        """Answered later."""
        found = self._context(context)

        async def read() -> Answer:
            data = await self._drive.read(found, offset, length)
            ffi.memmove(buffer, data, len(data))
            return len(data), None

        return self._answer_later(structures.READ_KIND, read)

    @answered
    def ll_write(
        self,
        context: Any,
        buffer: Any,
        offset: int,
        length: int,
        to_end: Any,
        constrained: Any,
        _p_count: Any,
        _info: Any,
    ) -> Status:
        """Answered later."""
        found = self._context(context)

        async def write() -> Answer:
            count, info = await self._drive.write(
                found,
                bytes(ffi.buffer(buffer, length)),
                offset,
                to_end=bool(to_end),
                constrained=bool(constrained),
            )
            return count, info

        return self._answer_later(structures.WRITE_KIND, write)

    @answered
    def ll_flush(self, context: Any, info: Any) -> None:
        """Of a file, or of the drive (no context)."""
        whole = context == ffi.NULL
        found = self._wait(self._drive.flush, None if whole else self._context(context))
        if found is not None:
            self._tell(info, found)

    @answered
    def ll_set_file_size(self, context: Any, size: int, is_allocation: Any, info: Any) -> None:
        """The end of the file, or the space set aside for it."""
        found = self._wait(
            self._drive.set_size,
            self._context(context),
            size,
            is_allocation=bool(is_allocation),
        )
        self._tell(info, found)

    # Attributes and names -------------------------------------------------------------------------

    @answered
    def ll_get_file_info(self, context: Any, info: Any) -> None:
        """What a file is."""
        self._tell(info, self._call(self._drive.info, self._context(context)))

    @answered
    def ll_set_basic_info(
        self,
        context: Any,
        attributes: int,
        created: int,
        accessed: int,
        written: int,
        _changed: int,
        info: Any,
    ) -> None:
        """Attributes and times. That of the last change of these is the replica's own."""
        found = self._wait(
            self._drive.set_basic_info,
            self._context(context),
            attributes,
            created,
            accessed,
            written,
        )
        self._tell(info, found)

    @answered
    def ll_can_delete(self, context: Any, _name: Any) -> None:
        """Whether the file or folder may be deleted at its last cleanup."""
        self._call(self._drive.may_delete, self._context(context))

    @answered
    def ll_rename(self, context: Any, _name: Any, new_name: Any, replace: Any) -> None:
        """Another place."""
        self._call(
            self._drive.rename,
            self._context(context),
            ffi.string(new_name),
            replace=bool(replace),
        )

    # Folders --------------------------------------------------------------------------------------

    @answered
    def ll_read_directory(
        self, context: Any, _pattern: Any, marker: Any, buffer: Any, length: int, p_count: Any
    ) -> None:
        """As many entries behind the marker as there is room for. The driver applies patterns."""
        after = ffi.string(marker) if marker != ffi.NULL else None
        most = length // structures.SMALLEST_ENTRY_BYTES + 1
        entries, is_last = self._call(self._drive.read_folder, self._context(context), after, most)
        for name, info in entries:
            if not self._add(structures.entry(name, info), buffer, length, p_count):
                return
        if is_last:
            lib.FspFileSystemAddDirInfo(ffi.NULL, buffer, length, p_count)

    def _add(self, entry: bytes, buffer: Any, length: int, p_count: Any) -> bool:
        content = ffi.new("char[]", len(entry))
        _put(content, entry)
        added = lib.FspFileSystemAddDirInfo(
            ffi.cast("FSP_FSCTL_DIR_INFO *", content), buffer, length, p_count
        )
        return bool(added)

    @answered
    def ll_get_dir_info_by_name(self, context: Any, name: Any, entry: Any) -> None:
        """One name of a folder."""
        shown, info = self._call(self._drive.entry, self._context(context), ffi.string(name))
        _put(entry, structures.entry(shown, info))


Answer = tuple[int, "FileInfo | None"]
"""The number of bytes that were read or written, and what the file is afterwards."""
