"""Whether somebody else has a file open for writing, or is about to.

A read lease is refused (EAGAIN) while anybody has the file open for writing, and whoever wants to
open it for writing afterwards waits until it is given back: fcntl(2), "Leases".
"""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
import threading
from collections.abc import Iterator

if sys.platform == "linux":
    import fcntl

    def lease(fd: int) -> bool | None:
        """Takes a lease on a file that is open for reading. False when it is open for writing
        somewhere, None where there are no leases: on other computers' disks, or for somebody else's
        file."""
        try:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return False if error.errno == errno.EAGAIN else None
        return True

    def is_wanted(fd: int) -> bool:
        """Whether somebody waits for the lease on this file, which is held, to write to it."""
        return fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_UNLCK

    @contextlib.contextmanager
    def quietly() -> Iterator[None]:
        """While leases are held: whoever breaks one would end this process by SIGIO."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGIO, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGIO, before)

else:

    def lease(_fd: int) -> bool | None:
        """There are none here."""
        return None

    def is_wanted(_fd: int) -> bool:
        """Nobody knows."""
        return False

    @contextlib.contextmanager
    def quietly() -> Iterator[None]:
        """Nothing to do."""
        yield
