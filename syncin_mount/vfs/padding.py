"""Zeros that the kernel puts behind the end of a file, and that nobody wrote.

Under writeback the kernel takes every write(2), and hands over whole pages. When somebody writes
far behind the end, the page in which the file ended is handed over up to its own end, as there is
more behind it now. If what is behind is then refused, as beyond what the disk below lets a file be
(EFBIG), the file would keep the zeros: it would be longer by a write that failed.
"""

from __future__ import annotations

import os

from reconciler.positioned import read_into

PAGE = 4096


def take_back(fd: int, before: int) -> None:
    """Takes the padding of the last page away. ``before`` is the size (bytes) that the file had
    before the write that may have been padded.

    What was written there and is zero cannot be told from padding if it is the last of the page; a
    page that is nothing but zeros was written as such. Raises OSError.
    """
    size = os.fstat(fd).st_size
    if size == 0 or size % PAGE or size <= before:
        return
    start = size - PAGE
    page = memoryview(bytearray(PAGE))
    read_into(fd, page, start)
    filled = len(bytes(page).rstrip(b"\0"))
    if filled or before > start:
        os.ftruncate(fd, max(before, start + filled))
