"""Loads what syncin-mount adds to Caja. Written by syncin-mount; it is replaced with it."""

import os
import sys

for _base in (
    os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"),
    *(os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":"),
):
    _folder = os.path.join(_base, "syncin-mount", "filemanager")
    if os.path.isdir(os.path.join(_folder, "syncin_filemanager")):
        sys.path.append(_folder)
        break

from gi.repository import Caja  # noqa: E402
from syncin_filemanager.extension import provider  # noqa: E402

SyncinMountFiles = provider(Caja)
