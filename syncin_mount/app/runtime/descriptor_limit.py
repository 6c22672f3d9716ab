"""How many files this process may have open: one for each that is open in the drive, and some
more."""

from __future__ import annotations

import logging
import sys
from typing import Final

from reconciler.phrases import Phrase
from syncin_mount.errors import DaemonError

log = logging.getLogger(__name__)

LEAST: Final = 128
"""With fewer a drive comes to a stop at once."""
WANTED: Final = 65_536


def enough_descriptors() -> None:
    """Raises this process's limit as far as it may. Raises DaemonError when that is too little to
    work with."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < WANTED and soft != hard:
        soft = WANTED if hard == unlimited else min(WANTED, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (OSError, ValueError) as error:
            log.debug("the limit of open files stays: %s", error)
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft != unlimited and soft < LEAST:
        raise DaemonError(
            Phrase(
                "this process may have {soft} files open at once, and a drive needs {least}"
                " at least: raise the limit (ulimit -n 1024, or LimitNOFILE= in a systemd"
                " unit), and try again",
                soft=soft,
                least=LEAST,
            )
        )
