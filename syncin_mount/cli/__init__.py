"""The commands. `main` is the program."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

DEBUG_OPTION = "--debug"
_STANDARD_ERROR = 2


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs one command and exits with its status: see `syncin_mount.cli.exit_status`.

    ``--debug`` is understood anywhere among the arguments: it shows the traceback of an error, and
    the logs of what the command starts say more.
    """
    _fill_standard_descriptors()
    from syncin_mount.cli.command_group import group  # noqa: PLC0415
    from syncin_mount.cli.exit_status import Exit, exit_for  # noqa: PLC0415 (start-up time: kept out of __init__)
    from syncin_mount.cli.ui.output import guard_streams, warn  # noqa: PLC0415
    from syncin_mount.cli.users_language import in_users_language  # noqa: PLC0415

    guard_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = in_users_language(group, words)
    debug = DEBUG_OPTION in words
    words = [word for word in words if word != DEBUG_OPTION]
    if debug:
        # daemon.logs reads it, in daemons that this one starts, too
        os.environ["SYNCIN_MOUNT_DEBUG"] = "1"
    try:
        status = command.main(words, prog_name="syncin-mount", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away (`| head`). What is still in the buffer must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(Exit.DONE)
    except BaseException as error:
        if debug and not isinstance(error, SystemExit):
            raise
        status, sentence = exit_for(error)
        if sentence:
            with contextlib.suppress(OSError):  # nobody can be told; the status tells
                warn(sentence)
    _drop_what_cannot_be_written()
    sys.exit(status if isinstance(status, int) else Exit.DONE)


def _fill_standard_descriptors() -> None:
    """Whoever started the program may have closed its standard streams (``>&-``). The next file it
    opens would then get such a number, and an index or a socket what is meant for a reader."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _drop_what_cannot_be_written() -> None:
    """What is still in a buffer (the disk is full) must not fail again at exit, with words that are
    none of ours."""
    for descriptor, stream in ((1, sys.stdout), (_STANDARD_ERROR, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
