"""Starting a daemon in the background, and hearing from it whether the drive is there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase
from syncin_mount.config import private_folder
from syncin_mount.config.files import open_log
from syncin_mount.control.supervision import NAME as SUPERVISOR
from syncin_mount.errors import DaemonError
from syncin_mount.system.processes import detached, word_from, word_pipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.app.processes.spoken import Spoken
    from syncin_mount.config import Folders


_CRASHED = [
    -getattr(signal, name) for name in ("SIGSEGV", "SIGBUS", "SIGABRT") if hasattr(signal, name)
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The daemon did not come up: the exit status that it would have had in the foreground, and
    ``why``: what `syncin_mount.app.messages.sentence` says."""

    status: int
    why: object


def spawn(folders: Folders, name: str, arguments: list[str]) -> Refusal | None:
    """Starts ``syncin-mount mount NAME`` in a session of its own; None once the drive can be used.

    Its standard output and error go to the log. Blocks. Raises DaemonError when it ends without a
    word. Interrupted (Ctrl-C), it leaves the daemon to come up.
    """
    daemon, word = _spawned(
        folders, name, lambda descriptor: mount_command(name, descriptor, arguments)
    )
    if not word:
        raise EndedSilently(folders, name, daemon.wait())
    return _parted(daemon, word)


def spawn_supervisor(folders: Folders) -> Refusal | None:
    """The same for ``syncin-mount up``; None once it answers."""
    program = [sys.executable, "-m", "syncin_mount", "up", "--ready-fd"]
    daemon, word = _spawned(folders, SUPERVISOR, lambda descriptor: [*program, str(descriptor)])
    if not word:
        how = _how_ended(daemon.wait())
        raise DaemonError(
            Phrase(
                "the supervisor ended without a word ({how}); its log says more: {log}",
                how=how,
                log=folders.log(SUPERVISOR),
            )
        )
    return _parted(daemon, word)


def _spawned(
    folders: Folders, name: str, command: Callable[[int], list[str]]
) -> tuple[subprocess.Popen[bytes], bytes]:
    """The process, and its first word through the pipe: empty when it ended without one."""
    log = folders.log(name)
    private_folder(log.parent)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as said:
        try:
            with os.fdopen(open_log(log), "ab") as file:
                daemon = subprocess.Popen(  # it outlives us: nobody waits for it here
                    command(word_from(writer)),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    **detached(writer),
                )
        finally:
            os.close(writer)
        return daemon, said.readline()


def _parted(daemon: subprocess.Popen[bytes], word: bytes) -> Refusal | None:
    refusal = refusal_in(word)
    if refusal is None:
        # Not ours to collect: it lives on when this process ends.
        daemon.returncode = 0
    else:
        daemon.wait()
    return refusal


def mount_command(name: str, descriptor: int, arguments: list[str]) -> list[str]:
    """The daemon's command line; ``descriptor`` is the pipe's end that it says its word to."""
    return [
        sys.executable,
        "-m",
        "syncin_mount",
        "mount",
        "--ready-fd",
        str(descriptor),
        *arguments,
        "--",
        name,
    ]


def refusal_in(word: bytes) -> Refusal | None:
    """What the daemon said through the pipe: None when the drive can be used."""
    answer = json.loads(word)
    if answer["ready"]:
        return None
    from syncin_mount.app.processes.spoken import Spoken  # noqa: PLC0415 (it describes this module's)

    english = str(answer["sentence"])
    of_other_version = {"en": {"terminal": english, "page": answer.get("on_page") or english}}
    return Refusal(int(answer["status"]), Spoken(answer.get("texts") or of_other_version))


class EndedSilently(DaemonError):
    """A daemon ended with this status (negative: a signal) and did not say why.

    ``perhaps_damaged``: a bad page of the index ends a process so (docs/internals/recovery.md).
    """

    def __init__(self, folders: Folders, drive: str, status: int) -> None:
        super().__init__(
            Phrase(
                "the daemon of '{drive}' ended without a word ({how})",
                drive=drive,
                how=_how_ended(status),
            )
        )
        self.drive = drive
        self.perhaps_damaged = status in _CRASHED
        self.log = folders.log(drive)


def _how_ended(status: int) -> str:
    return Phrase("status {status}", status=status) if status >= 0 else signal_name(-status)


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class ReadyPipe:
    """The daemon's end of the pipe. The first word counts; closing says nothing."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(word_pipe(descriptor), "wb")

    def ready(self) -> None:
        self._say({"ready": True})

    def refused(self, status: int, why: Spoken) -> None:
        self._say({"ready": False, "status": status, "sentence": str(why), "texts": why.texts})

    def _say(self, answer: dict[str, object]) -> None:
        if self._file.closed:
            return
        try:
            self._file.write(json.dumps(answer).encode() + b"\n")
            self._file.close()
        except OSError:
            # Nobody waits any more (Ctrl-C): the drive is there all the same.
            return
