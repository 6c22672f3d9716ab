"""Paths that people give: of a file in a drive, by the drive's name or by where it lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
    """The synchronization whose mount point the path leads to or into, and the path relative to it;
    None where it leads to none. A relative path begins in the current folder."""
    for place in _places(path):
        for each in configuration.synchronizations.values():
            if place.is_relative_to(each.mountpoint):
                below = str(place.relative_to(each.mountpoint))
                return each, "" if below == "." else below
    return None


def _places(path: str) -> list[Path]:
    """Where the path leads to: first by its words alone, which touches no drive; then with the
    symbolic links above its last name followed."""
    try:
        absolute = os.path.abspath(Path(path).expanduser())
    except OSError:  # the current folder is gone
        return []
    above, name = os.path.split(absolute)
    return [Path(absolute), Path(os.path.realpath(above), name)]


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
