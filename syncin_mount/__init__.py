"""A remote Sync-in folder as a drive that is always there: complete local copy, journal,
reconciler."""

import sys
from types import ModuleType
from typing import cast

from syncin_mount import own_packages

own_packages.lead()

# httpx has a command line of its own, for which it loads rich and pygments where they are
# installed: time of each command that asks a daemon, and memory of each daemon. It goes without
# where that module cannot be loaded.
cast("dict[str, ModuleType | None]", sys.modules).setdefault("httpx._main", None)

__version__ = "0.1.0"
