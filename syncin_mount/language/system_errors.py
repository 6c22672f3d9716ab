"""What the system says of errors that people may meet: `reconciler.phrases.strerror` hands it up,
and it is said in their language. Nothing needs this module but the catalogues."""

from __future__ import annotations

from syncin_mount.language import mark

TEXTS = (
    mark("Permission denied"),
    mark("Operation not permitted"),
    mark("No such file or directory"),
    mark("File exists"),
    mark("Not a directory"),
    mark("Is a directory"),
    mark("Directory not empty"),
    mark("No space left on device"),
    mark("Disk quota exceeded"),
    mark("Read-only file system"),
    mark("Input/output error"),
    mark("Device or resource busy"),
    mark("File name too long"),
    mark("Too many open files"),
    mark("Too many levels of symbolic links"),
    mark("Invalid cross-device link"),
    mark("Transport endpoint is not connected"),
    mark("Connection refused"),
    mark("Connection timed out"),
    mark("Network is unreachable"),
    mark("No route to host"),
    mark("Address already in use"),
    mark("Cannot allocate memory"),
    mark("Stale file handle"),
    mark("File too large"),
    mark("Text file busy"),
    mark("Invalid argument"),
    mark("Operation not supported"),
)
