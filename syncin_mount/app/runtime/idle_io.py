"""Reading when nobody else wants the disk: ioprio_set(2), IOPRIO_CLASS_IDLE."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import sys
from collections.abc import Iterator
from typing import Final

_CALLS: Final = {
    "x86_64": (251, 252),
    "aarch64": (30, 31),
    "riscv64": (30, 31),
    "armv7l": (314, 315),
}
_THIS_THREAD: Final = 1  # IOPRIO_WHO_PROCESS, and 0 for the caller
_IDLE: Final = 3 << 13


@contextlib.contextmanager
def at_idle_priority() -> Iterator[None]:
    """What this thread reads meanwhile waits for everybody else's reads; where the system cannot do
    that, it reads as always."""
    calls = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if calls is None:
        yield
        return
    libc = ctypes.CDLL(None)
    setting, getting = calls
    before = libc.syscall(getting, _THIS_THREAD, 0)
    libc.syscall(setting, _THIS_THREAD, 0, _IDLE)
    try:
        yield
    finally:
        libc.syscall(setting, _THIS_THREAD, 0, max(before, 0))
