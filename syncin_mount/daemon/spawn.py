"""Starting a daemon in the background, and hearing from it whether the drive is there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncin_mount.config import private_folder
from syncin_mount.daemon.errors import DaemonError

if TYPE_CHECKING:
    from syncin_mount.config import Folders


_CRASHED = [-getattr(signal, name) for name in ("SIGSEGV", "SIGBUS", "SIGABRT") if hasattr(signal, name)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The daemon did not come up: the exit status and sentence that it would have shown in the foreground."""

    status: int
    sentence: str


def spawn(folders: Folders, name: str, arguments: list[str]) -> Refusal | None:
    """Starts ``syncin-mount mount NAME`` in a session of its own; None once the drive can be used.

    Its standard output and error go to the log. Blocks. Raises DaemonError when it ends without a word. Interrupted
    (Ctrl-C), it leaves the daemon to come up.
    """
    log = folders.log(name)
    private_folder(log.parent)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as said:
        try:
            with log.open("ab") as file:
                daemon = subprocess.Popen(  # it outlives us: nobody waits for it here
                    [sys.executable, "-m", "syncin_mount", "mount", "--ready-fd", str(writer), *arguments, "--", name],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    cwd="/",
                    pass_fds=(writer,),
                    start_new_session=True,
                )
        finally:
            os.close(writer)
        word = said.readline()
    if not word:
        status = daemon.wait()
        # A page of the index that is not what it should be ends a process so (docs/store.md, "Check and repair").
        perhaps = f"; 'syncin-mount check {name}' tells whether its local copy is damaged" if status in _CRASHED else ""
        raise DaemonError(
            f"the daemon of '{name}' ended without a word (status {status}){perhaps}; its log says more: {log}"
        )
    answer = json.loads(word)
    if answer["ready"]:
        # Not ours to collect: it lives on when this process ends.
        daemon.returncode = 0
        return None
    daemon.wait()
    return Refusal(int(answer["status"]), str(answer["sentence"]))


class ReadyPipe:
    """The daemon's end of the pipe. The first word counts; closing says nothing."""

    def __init__(self, descriptor: int) -> None:
        # Children of the daemon (fusermount3) must not keep it open.
        os.set_inheritable(descriptor, False)
        self._file = os.fdopen(descriptor, "wb")

    def ready(self) -> None:
        self._say({"ready": True})

    def refused(self, status: int, sentence: str) -> None:
        self._say({"ready": False, "status": status, "sentence": sentence})

    def _say(self, answer: dict[str, object]) -> None:
        if self._file.closed:
            return
        try:
            self._file.write(json.dumps(answer).encode() + b"\n")
            self._file.close()
        except BrokenPipeError:
            # Nobody waits any more (Ctrl-C): the drive is there all the same.
            return
