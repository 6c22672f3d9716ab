"""Names and paths of the drive: bytes in records, ``str`` for the reconciler.

Always UTF-8, and what is no UTF-8 as lone surrogates (``surrogateescape``). That is not what
``os.fsencode`` does everywhere: on Windows, and where the locale says so, it has ways of its own,
which are for the computer's files alone.
"""

from __future__ import annotations


def to_text(name: bytes) -> str:
    """The name as text: each name has one."""
    return name.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """The name as bytes. Raises UnicodeEncodeError for what is the text of none."""
    return text.encode("utf-8", "surrogateescape")
