r"""Windows' long paths: with ``\\?\`` in front a path may have 32,767 characters instead of 260,
and its names are taken as they are: trailing dots and blanks stay, ``con`` is a name like
others."""

from __future__ import annotations

import ntpath
import os
from typing import Final

_PREFIX: Final = "\\\\?\\"
_SHARE: Final = "\\\\"


def extended(path: str | bytes | os.PathLike[str] | os.PathLike[bytes], folder: str = "") -> str:
    r"""The path with ``\\?\`` in front, for Windows' own calls. A relative one is taken from
    ``folder``, by default the process's own. Paths of devices stay as they are; behind the prefix
    only ``\\`` parts names."""
    text = os.fsdecode(path)
    if text.startswith((_PREFIX, "\\\\.\\")):
        return text.replace("/", "\\")
    # Not abspath: it asks Windows, which would remove trailing dots and blanks.
    whole = ntpath.normpath(ntpath.join(folder or os.getcwd(), text))
    if whole.startswith(_SHARE):
        return f"{_PREFIX}UNC\\{whole.removeprefix(_SHARE)}"
    return _PREFIX + whole
