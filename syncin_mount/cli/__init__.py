"""The commands. `main` is the program."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

DEBUG_OPTION = "--debug"


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs one command and exits with its status: see `syncin_mount.cli.exit_status`.

    ``--debug`` is understood anywhere among the arguments: it shows the traceback of an error, and
    the logs of what the command starts say more.
    """
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
            warn(sentence)
    sys.exit(status if isinstance(status, int) else Exit.DONE)
