"""The operating system's calls whose ways differ, in one place, so that the rest is the same
everywhere.

The names are bound when this is imported: on Linux a caller reaches the function of ``os`` itself.
What a system does not have is replaced by something slower or less durable, never by something
wrong. `posix` and `windows` say what each function does.
"""

import sys

from reconciler.positioned import pread, pwrite

if sys.platform == "win32":
    from syncin_mount.system.windows import (
        NO_FOLLOW,
        OPEN,
        OWNER,
        READ,
        allocate,
        allocated,
        boot_id,
        copy_range,
        discard,
        file_system,
        forget_cached,
        is_dying,
        keep_from_children,
        keep_private,
        keep_room,
        knows_holes,
        lock_file,
        long_path,
        names_in,
        next_data,
        open_file,
        replace,
        reserve,
        set_times,
        sync_data,
        sync_file_system,
        sync_folder,
        wait_for_lock,
    )
else:
    from syncin_mount.system.posix import (
        NO_FOLLOW,
        OPEN,
        OWNER,
        READ,
        allocate,
        allocated,
        boot_id,
        copy_range,
        discard,
        file_system,
        forget_cached,
        is_dying,
        keep_from_children,
        keep_private,
        keep_room,
        knows_holes,
        lock_file,
        long_path,
        names_in,
        next_data,
        open_file,
        replace,
        reserve,
        set_times,
        sync_data,
        sync_file_system,
        sync_folder,
        wait_for_lock,
    )

__all__ = [
    "NO_FOLLOW",
    "OPEN",
    "OWNER",
    "READ",
    "allocate",
    "allocated",
    "boot_id",
    "copy_range",
    "discard",
    "file_system",
    "forget_cached",
    "is_dying",
    "keep_from_children",
    "keep_private",
    "keep_room",
    "knows_holes",
    "lock_file",
    "long_path",
    "names_in",
    "next_data",
    "open_file",
    "pread",
    "pwrite",
    "replace",
    "reserve",
    "set_times",
    "sync_data",
    "sync_file_system",
    "sync_folder",
    "wait_for_lock",
]
