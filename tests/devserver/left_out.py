"""Lines of the recordings that are not replayed, each with the reason."""

from __future__ import annotations

_COOKIES = "login by cookies: for browsers and the Electron app; this project uses bearer tokens"
_WEBDAV = "WebDAV is not part of the sync API and not used here"
_MULTIPART = "multipart upload of the web page: clients upload through the sync API"
_TASKS = "background tasks of the web page: the plain call does the same"
_PUSH = "recents, notifications and sockets tell nothing about file changes: not used"
_ACCOUNT = "account page of the web interface"
_PROCESS = (
    "what happens to the real server's processes; the lock it leaves is forced and replayed in the"
    " lines after it"
)

LEFT_OUT: dict[tuple[str, int], str] = {
    ("sync-api", 47): _COOKIES,
    ("sync-api", 535): _PROCESS,
    ("sync-api", 547): _PROCESS,
    **{("web-api", number): _COOKIES for number in (1, 2, 3)},
    ("web-api", 6): _ACCOUNT,
    **{("web-api", number): _MULTIPART for number in (25, 26, 27, 28, 44)},
    **{("web-api", number): _TASKS for number in (47, 48)},
    **{("web-api", number): _PUSH for number in (49, 50, 51, 52, 53, 54, 58, 59, 60)},
    ("web-api", 55): "search of the web page: not used",
    ("web-api", 57): "a property of the file system under the server, not of the server",
    **{("web-api", number): _WEBDAV for number in (*range(61, 79), *range(86, 99), 100)},
    **{
        ("web-api", number): "rclone over WebDAV: a tool, not the server"
        for number in range(81, 85)
    },
}
