"""A process of the drive's own that does, through the mount, what the server did already: so the
kernel tells watchers.

inotify(7) tells of what system calls do, and of nothing that a file system says by itself. The
drive's process cannot make those calls: it would wait for its own answer. It recognizes this
process and answers without doing anything, see `syncin_fuse.announcer`. Run as a script: orders
come on standard input, each as 4 bytes of length (big-endian), a verb and its paths, separated by
zero bytes; each is answered on standard output by 4 bytes of errno (to ``watched``: whether
somebody watches). The end of the input ends it.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator


def _make(path: bytes) -> None:
    os.mknod(path, stat.S_IFREG | 0o600)


def _touch(path: bytes) -> None:
    os.chmod(path, 0o700)  # no such mode is set: the drive answers with the mode that there is


ACTS: dict[bytes, Callable[..., None]] = {
    b"make": _make,
    b"mkdir": os.mkdir,
    b"unlink": os.unlink,
    b"rmdir": os.rmdir,
    b"rename": os.rename,
    b"touch": _touch,
}


def _watched(device: bytes) -> bool:
    """Whether a process that we may look into watches something on this device (hexadecimal, as the
    kernel shows it: proc_pid_fdinfo(5))."""
    mark = b" sdev:%s " % device
    return any(mark in text or text.find(b"\nfanotify ") >= 0 for text in _watchers())


def _watchers() -> Iterator[bytes]:
    """What each descriptor of inotify or fanotify watches."""
    for process in os.listdir("/proc"):
        if not process.isdecimal():
            continue
        try:
            descriptors = os.listdir(f"/proc/{process}/fd")
        except OSError:
            continue  # another user's, who does not get into the drive either; or it ended
        for number in descriptors:
            try:
                if os.readlink(f"/proc/{process}/fd/{number}") in _KINDS:
                    with open(f"/proc/{process}/fdinfo/{number}", "rb") as info:
                        yield info.read()
            except OSError:
                continue


_KINDS = {"anon_inode:inotify", "anon_inode:[fanotify]"}


def main() -> None:
    """Obeys until the input ends."""
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    while len(length := orders.read(4)) == 4:
        verb, *paths = orders.read(int.from_bytes(length, "big")).split(b"\0")
        number = 0
        try:
            if verb == b"watched":
                number = _watched(*paths)
            else:
                ACTS[verb](*paths)
        except OSError as error:
            number = error.errno or 1
        answers.write(number.to_bytes(4, "big"))
        answers.flush()


if __name__ == "__main__":
    main()
