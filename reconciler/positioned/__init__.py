"""Reading and writing an open file at a position, which no other thread's reading or writing moves.

This lies here and not in `syncin_mount.system` because the reconciler reads descriptors too, and
imports nothing of the program. The names are bound when this is imported: on Linux a caller reaches
the function of ``os`` itself.

- ``pread(fd, size, offset)`` returns up to ``size`` bytes, ``b""`` at the end.
- ``pwrite(fd, data, offset)`` returns how many bytes it wrote.
- ``read_into(fd, buffer, offset)`` fills the buffer up to the end of the file, and returns the
  number of bytes.
- ``read_cached(fd, buffer, offset)`` does the same with what needs no disk: 0 when that is nothing,
  or cannot be told.
- ``is_hole(fd, length, offset)`` tells whether the range lies in the file and holds no data; False
  where that cannot be told. It moves the descriptor's own position.

Offsets and sizes are bytes. All but ``read_cached`` may block, and raise OSError (ENOSPC, EIO).
"""

import sys

if sys.platform == "win32":
    from reconciler.positioned.windows import is_hole, pread, pwrite, read_cached, read_into
else:
    from reconciler.positioned.posix import is_hole, pread, pwrite, read_cached, read_into

__all__ = ["is_hole", "pread", "pwrite", "read_cached", "read_into"]
