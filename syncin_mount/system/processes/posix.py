"""The same on Linux: sessions, pidfd(2), /proc."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import trio

assert sys.platform != "win32"


class Held:
    """A process, held by pidfd(2), so that no other is ever meant, whatever number it gets. To be
    closed."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError when it has ended and was collected."""
        self._handle = os.pidfd_open(pid)

    def ask_to_end(self) -> bool:
        """Asks it to end in order; whether a signal can ask that here. One that has ended is left
        alone."""
        if self._handle >= 0:
            try:
                signal.pidfd_send_signal(self._handle, signal.SIGTERM)
            except ProcessLookupError:
                pass  # it has
        return True

    async def ended(self) -> None:
        """Returns when it is gone."""
        import trio  # noqa: PLC0415 (start-up time)

        await trio.lowlevel.wait_readable(self._handle)

    def has_ended(self) -> bool:
        """Whether it is gone, also where nobody has waited for that yet."""
        look = select.poll()
        look.register(self._handle, select.POLLIN)
        return bool(look.poll(0))

    def close(self) -> None:
        os.close(self._handle)
        self._handle = -1


def alive(pid: int) -> bool:
    """Whether the process runs: one that has ended and was not collected yet does not."""
    try:
        state = (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[0]
        )
    except OSError:
        return False
    return state not in {"Z", "X"}


def kill(pid: int) -> None:
    """Ends it as a power cut would. Raises ProcessLookupError, PermissionError."""
    os.kill(pid, signal.SIGKILL)


def word_from(writer: int) -> int:
    """The number by which a child knows this end of a pipe."""
    return writer


def detached(writer: int) -> dict[str, Any]:
    """How `subprocess.Popen` starts a child in a session of its own, which outlives us and holds no
    folder; it gets this end of a pipe."""
    return {"cwd": "/", "pass_fds": (writer,), "start_new_session": True}


def apart(words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The words and options by which `trio.run_process` starts a command that `end_apart` can end
    with all that it starts, and that may be a file of our own drive. Until a program is loaded, who
    starts it waits with the interpreter's lock held, and could not serve that file: so a shell,
    which waits alone, takes its own place by the command. It does not look at the words."""
    return ["/bin/sh", "-c", 'exec "$@"', "sh", *words], {"cwd": "/", "start_new_session": True}


async def end_apart(process: trio.Process, grace: float) -> None:
    """Asks what `apart` started to end, and kills what is left of it after so many seconds, or when
    this is cancelled, as `trio.run_process` does at its end."""
    import trio  # noqa: PLC0415 (start-up time)

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await trio.sleep(grace)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def word_pipe(number: int) -> int:
    """The descriptor for the number that the starter gave. Children of ours do not keep it open."""
    os.set_inheritable(number, False)
    return number


async def first_word(reader: int) -> bytes:
    """The line that is said first on a pipe, empty when it ends without one; the descriptor is
    closed."""
    import trio  # noqa: PLC0415 (start-up time)

    word = bytearray()
    async with trio.lowlevel.FdStream(reader) as said:
        async for part in said:
            word += part
            if b"\n" in part:
                break
    return bytes(word)
