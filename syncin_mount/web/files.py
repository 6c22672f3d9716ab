"""The browser's part: a fixed table of files. No path of a request ever becomes a path on the
disk."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from syncin_mount.language import catalogues

_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"

VENDORED = ("preact.module.js", "hooks.module.js", "htm.module.js")
"""Libraries of others; static/vendor/README.md says which, and where they are from."""

OWN = (
    "accounts.js",
    "api.js",
    "app.js",
    "assistant.js",
    "assistant_here.js",
    "assistant_parts.js",
    "assistant_server.js",
    "assistant_settings.js",
    "assistant_there.js",
    "card.js",
    "change.js",
    "comparison.js",
    "conflicts.js",
    "copies.js",
    "end_hung.js",
    "explain.js",
    "filters.js",
    "health.js",
    "import.js",
    "language.js",
    "limits.js",
    "log_in.js",
    "needs_you.js",
    "parts.js",
    "plan.js",
    "rows.js",
    "settings.js",
    "store.js",
    "synchronizations.js",
    "transfers.js",
    "trash.js",
    "waiting.js",
    "words.js",
)
STYLES = ("assistant.css", "page.css", "records.css", "settings.css")

TABLE: dict[str, tuple[str, str]] = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}": (name, _STYLE) for name in STYLES},
    **{f"/{name}": (name, _SCRIPT) for name in OWN},
    **{f"/vendor/{name}": (f"vendor/{name}", _SCRIPT) for name in VENDORED},
}
"""What each path is: the file in ``static``, and its type."""


@dataclass(frozen=True, slots=True)
class File:
    """What is sent for one path: its type, and its bytes compressed with gzip."""

    kind: str
    packed: bytes


class Files:
    """All of them, in memory, compressed once (some 50 KB). They are the same for everybody and
    hold no secret, so that their lengths tell nothing (BREACH); answers to calls are never
    compressed."""

    def __init__(self) -> None:
        folder = files("syncin_mount.web") / "static"
        self._all: dict[str, File] = {}
        for path, (name, kind) in TABLE.items():
            body = folder.joinpath(*name.split("/")).read_bytes()
            if path == "/":
                self.import_map = _hash_of_import_map(body)
            self._all[path] = File(kind, gzip.compress(body, mtime=0))

    def at(self, path: str) -> File | None:
        return self._all.get(path)


CATALOGUE = "/catalogue.js"


def catalogue(language: str) -> File:
    """The module with the page's texts in a language; it is made from the same catalogues as the
    program's."""
    texts = catalogues.page(language).decode().strip()
    body = f"const all = {texts};\nexport const {{ language, texts }} = all;\n"
    return File(_SCRIPT, gzip.compress(body.encode(), mtime=0))


def _hash_of_import_map(page: bytes) -> str:
    """The hash, as a content security policy has it, of the one script that stands in the page
    itself: it says where the libraries are."""
    found = re.search(rb'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return f"sha256-{base64.b64encode(hashlib.sha256(found[1]).digest()).decode()}"
