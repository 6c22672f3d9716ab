"""Remote paths: what may be asked of the server, and how it is written in a URL.

Two roots name the same folder: the sync API says ``personal/x``, ``spaces/<alias>/x`` and
``shares/<name>/x``; the web API (folder picker, trash, the conditional move) says
``files/personal/x``, ``files/<alias>/x`` and ``shares/<name>/x``.
"""

from __future__ import annotations

from urllib.parse import quote

from reconciler.errors import Refused
from reconciler.names import MAX_NAME_BYTES, MAX_TRASH_NAME_BYTES, stand_in_name
from reconciler.phrases import Phrase


def complaint(path: str) -> str | None:
    """Why ``path`` (names joined by ``/``) must not be used, as a clause; None when it is good."""
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return Phrase("a name in it is empty, '.' or '..'")
        if "\0" in part:
            return Phrase("a name in it holds a NUL character")
        try:
            length = len(part.encode())
        except UnicodeEncodeError:
            return Phrase("a name in it is not valid UTF-8")
        if length > MAX_NAME_BYTES:
            return Phrase("a name in it is longer than {most} bytes", most=MAX_NAME_BYTES)
    return None


def is_name(text: str) -> bool:
    """Whether it is one name of a file or folder."""
    return "/" not in text and complaint(text) is None


def checked(path: str) -> str:
    """``path`` itself. Raises Refused when it could leave its folder or cannot exist on the
    server."""
    why = complaint(path)
    if why is not None:
        raise Refused(
            Phrase(
                "The path {path} cannot be sent to the server: {why}; rename it",
                path=shown(path),
                why=why,
            )
        )
    return path


def quoted(path: str) -> str:
    """A checked path for a URL: every segment percent-encoded."""
    return quote(path, safe="/")


def split(path: str) -> tuple[str, str]:
    """Parent (``""`` for the top) and name."""
    parent, _, name = path.rpartition("/")
    return parent, name


def join(parent: str, name: str) -> str:
    """``name`` below ``parent``, which may be ``""``."""
    return f"{parent}/{name}" if parent else name


def web_path(remote_path: str) -> str:
    """The web API's word for a path of the sync API."""
    root, _, rest = remote_path.partition("/")
    if root == "personal":
        return f"files/{remote_path}"
    if root == "spaces" and rest:
        return f"files/{rest}"
    if root == "shares":
        return remote_path
    raise Refused(
        Phrase(
            "{path} is no remote folder: one starts with personal/, spaces/ or shares/",
            path=shown(remote_path),
        )
    )


def sync_path(web: str) -> str:
    """The sync API's word for a path of the web API; the inverse of `web_path`."""
    root, _, rest = web.partition("/")
    if root == "files":
        return rest if rest == "personal" or rest.startswith("personal/") else f"spaces/{rest}"
    return web


def stand_in(path: str, owner: int = 0) -> str:
    """The path of `stand_in_name` beside ``path``."""
    parent, _ = split(path)
    return join(parent, stand_in_name(path, owner))


def trash_aside(path: str) -> tuple[str, str]:
    """A folder of ours at the top, and a name in it, from where ``path`` can go to the trash
    whatever is there."""
    name = split(path)[1]
    if len(name.encode()) > MAX_TRASH_NAME_BYTES:
        name = name.encode()[: MAX_TRASH_NAME_BYTES - 3].decode(errors="ignore") + "…"
    return split(stand_in(path))[1], name


def shown(text: str, limit: int = 200) -> str:
    """Foreign text in quotes for a message: control characters made visible, cut at ``limit``
    characters."""
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text[: limit + 1])
    return f"'{clean[:limit]}…'" if len(text) > limit else f"'{clean}'"
