"""The operating system's calls whose ways differ, in one place, so that the rest is the same
everywhere.

The names are bound when this is imported: on Linux a caller reaches the function of ``os`` itself.
What a system does not have is replaced by something slower or less durable, never by something
wrong.
"""

import sys

from reconciler.positioned import pread, pwrite

if sys.platform == "win32":
    from syncin_mount.system.windows import (
        OPEN,
        OWNER,
        READ,
        allocate,
        allocated,
        boot_id,
        copy_range,
        file_system,
        is_dying,
        keep_from_children,
        keep_room,
        knows_holes,
        lock_file,
        next_data,
        reserve,
        sync_data,
        sync_file_system,
        sync_folder,
    )
else:
    from syncin_mount.system.posix import (
        OPEN,
        OWNER,
        READ,
        allocate,
        allocated,
        boot_id,
        copy_range,
        file_system,
        is_dying,
        keep_from_children,
        keep_room,
        knows_holes,
        lock_file,
        next_data,
        reserve,
        sync_data,
        sync_file_system,
        sync_folder,
    )

__all__ = [
    "OPEN",
    "OWNER",
    "READ",
    "allocate",
    "allocated",
    "boot_id",
    "copy_range",
    "file_system",
    "is_dying",
    "keep_from_children",
    "keep_room",
    "knows_holes",
    "lock_file",
    "next_data",
    "pread",
    "pwrite",
    "reserve",
    "sync_data",
    "sync_file_system",
    "sync_folder",
]
