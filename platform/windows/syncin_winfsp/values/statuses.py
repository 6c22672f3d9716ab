"""NTSTATUS values that the frontend answers with, and which errno leads to which. Pure."""

from __future__ import annotations

import enum
import errno
from typing import Final


class Status(enum.IntEnum):
    """From Microsoft's ntstatus.h."""

    SUCCESS = 0
    PENDING = 0x103
    BUFFER_OVERFLOW = 0x80000005
    INVALID_PARAMETER = 0xC000000D
    INVALID_DEVICE_REQUEST = 0xC0000010
    END_OF_FILE = 0xC0000011
    ACCESS_DENIED = 0xC0000022
    OBJECT_NAME_INVALID = 0xC0000033
    OBJECT_NAME_NOT_FOUND = 0xC0000034
    OBJECT_NAME_COLLISION = 0xC0000035
    OBJECT_PATH_NOT_FOUND = 0xC000003A
    DISK_FULL = 0xC000007F
    INSUFFICIENT_RESOURCES = 0xC000009A
    MEDIA_WRITE_PROTECTED = 0xC00000A2
    IO_TIMEOUT = 0xC00000B5
    FILE_IS_A_DIRECTORY = 0xC00000BA
    CANT_WAIT = 0xC00000D8
    UNEXPECTED_IO_ERROR = 0xC00000E9
    DIRECTORY_NOT_EMPTY = 0xC0000101
    NOT_A_DIRECTORY = 0xC0000103
    NAME_TOO_LONG = 0xC0000106
    CANCELLED = 0xC0000120
    CANNOT_DELETE = 0xC0000121
    NETWORK_UNREACHABLE = 0xC000023C
    TOO_MANY_LINKS = 0xC0000265
    FILE_TOO_LARGE = 0xC0000904


class Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


BY_ERRNO: Final = {
    errno.EACCES: Status.ACCESS_DENIED,
    errno.EDQUOT: Status.DISK_FULL,
    errno.EEXIST: Status.OBJECT_NAME_COLLISION,
    errno.EFBIG: Status.FILE_TOO_LARGE,
    errno.EINVAL: Status.INVALID_PARAMETER,
    errno.EIO: Status.UNEXPECTED_IO_ERROR,
    errno.EISDIR: Status.FILE_IS_A_DIRECTORY,
    errno.EMFILE: Status.INSUFFICIENT_RESOURCES,
    errno.EMLINK: Status.TOO_MANY_LINKS,
    errno.ENAMETOOLONG: Status.NAME_TOO_LONG,
    # what keeps a content away (vfs.arrivals.ERRNO): there is no status for that but of networks
    errno.ENETUNREACH: Status.NETWORK_UNREACHABLE,
    errno.ENOENT: Status.OBJECT_NAME_NOT_FOUND,
    errno.ENOMEM: Status.INSUFFICIENT_RESOURCES,
    errno.ENOSPC: Status.DISK_FULL,
    errno.ENOTDIR: Status.NOT_A_DIRECTORY,
    errno.ENOTEMPTY: Status.DIRECTORY_NOT_EMPTY,
    errno.EPERM: Status.ACCESS_DENIED,
    errno.EROFS: Status.MEDIA_WRITE_PROTECTED,
    errno.ESTALE: Status.OBJECT_NAME_NOT_FOUND,
    errno.ETIMEDOUT: Status.IO_TIMEOUT,
}


def status_of(error: OSError) -> Status:
    """The status for an error of the file system."""
    return BY_ERRNO.get(error.errno or errno.EIO, Status.UNEXPECTED_IO_ERROR)
