"""What a file system operation means, with POSIX errnos, independent of FUSE and WinFsp."""

from syncin_mount.vfs.filesystem import FileSystem
from syncin_mount.vfs.frontend import Frontend, MountError, MountOptions, MountpointNotEmpty
from syncin_mount.vfs.hydration import Hydrator, NoHydrator

__all__ = [
    "FileSystem",
    "Frontend",
    "Hydrator",
    "MountError",
    "MountOptions",
    "MountpointNotEmpty",
    "NoHydrator",
]
