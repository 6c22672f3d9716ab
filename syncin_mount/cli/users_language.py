"""The language of whoever runs a command: known before anything else is loaded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from syncin_mount.language import ENGLISH, speak
from syncin_mount.language.choice import LanguageSetting, of_user, prefer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

JSON_OPTION = "--json"


def in_users_language(group: click.Command, words: Sequence[str]) -> click.Command:
    """Has the command with these words speak it, and returns the program with its help in it.
    Programs read JSON, and read English."""
    prefer(LanguageSetting(users_file()).now())
    chosen = of_user()
    if chosen == ENGLISH or JSON_OPTION in words:
        return group
    from syncin_mount.cli import help_texts  # noqa: PLC0415 (start-up time)

    speak(chosen)
    help_texts.translate_click()
    return help_texts.translated(group)


def users_file() -> str:
    """Where the user's configuration is, as `syncin_mount.config.Folders` finds it, which takes
    long to load."""
    home = os.environ.get("SYNCIN_MOUNT_HOME")
    if home:
        return os.path.join(os.path.abspath(os.path.expanduser(home)), "config.toml")
    if sys.platform != "linux":
        from syncin_mount.config import Folders  # noqa: PLC0415 (start-up time)

        return str(Folders.find().config_file)
    base = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")
    return os.path.join(base, "syncin-mount", "config.toml")
