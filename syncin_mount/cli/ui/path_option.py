"""Paths that people give: of a file in a drive, by the drive's name or by where it lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncin_mount.app.drives import paths
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.language import t

if TYPE_CHECKING:
    from syncin_mount.config import Configuration, Synchronization


def inside(synchronization: Synchronization, path: str) -> str:
    """The path relative to the synchronized folder. Raises CommandError."""
    found = path
    if path.startswith("/"):
        try:
            found = str(Path(path).relative_to(synchronization.mountpoint))
        except ValueError as error:
            raise CommandError(
                t(
                    "'{path}' is not in {mountpoint}; give a path in there, or one relative to it",
                    path=output.printable(path),
                    mountpoint=synchronization.mountpoint,
                ),
                Exit.USAGE,
            ) from error
    parts = [part for part in found.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        raise CommandError(
            t(
                "'{path}' is no file or folder in the synchronized folder",
                path=output.printable(path),
            ),
            Exit.USAGE,
        )
    if not found.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in found):
        raise CommandError(
            t(
                "'{path}' is not UTF-8: the server cannot hold it, it stays here",
                path=output.printable(path),
            )
        )
    return "/".join(parts)


def chosen_path(
    configuration: Configuration, words: tuple[str, ...]
) -> tuple[Synchronization, str]:
    """What ``NAME PATH`` or ``PATH`` alone stands for: the synchronization, and the path relative
    to its folder. Raises CommandError, UsageError."""
    if len(words) == 2:
        synchronization = lookup.synchronization_named(configuration, words[0])
        return synchronization, inside(synchronization, words[1])
    if len(words) != 1:
        raise click.UsageError(t("give NAME and PATH, or one PATH into a drive"))
    found = drive_at(configuration, words[0])
    if found is None:
        raise _in_no_drive(configuration, words[0])
    synchronization, path = found
    return synchronization, inside(synchronization, path)


def name_or_path(configuration: Configuration, word: str) -> tuple[Synchronization, str]:
    """What one word stands for: the name of a synchronization, with an empty path, or a path into a
    drive. A name goes first: ``./NAME`` is a file. Raises CommandError."""
    if word in configuration.synchronizations:
        return configuration.synchronizations[word], ""
    found = drive_at(configuration, word)
    if found is not None:
        return found
    if "/" in word or word in {".", ".."}:
        raise _in_no_drive(configuration, word)
    return lookup.synchronization_named(configuration, word), ""


def drive_at(configuration: Configuration, path: str) -> tuple[Synchronization, str] | None:
    """As `syncin_mount.app.drives.paths.drive_at`; ``~`` is the home folder."""
    return paths.drive_at(configuration, os.path.expanduser(path))


def _in_no_drive(configuration: Configuration, path: str) -> CommandError:
    points = ", ".join(str(each.mountpoint) for each in configuration.synchronizations.values())
    return CommandError(
        t(
            "'{path}' is in none of the drives; they are at {points}",
            path=output.printable(path),
            points=points,
        )
        if points
        else t(
            "'{path}' is in none of the drives; add one: {command}",
            path=output.printable(path),
            command=lookup.ADD,
        ),
        Exit.USAGE,
    )
