"""Values and errors become sentences for people here, and nowhere else.

The packages below hand up values: errors and states that say what and why. What to *do* about
them is the name of a command or of an option, and a page or a tray icon has neither. So it is
added here, in the language of whoever reads it (`syncin_mount.language`).

Each package has a module of its name (`reconciler`, `store`, `remote`, …), which
registers a function for each type that it describes::

    @says(Halt)
    def _halt(halt: Halt, drive: str) -> str:
        return t("Nothing was done: … {command}", command=command("sync", drive, "--yes"))

`sentence` looks for the nearest class in the value's ancestry, and imports a module only when a
value of its package is there: a command that starts must not pay for packages that it never uses.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import TypeVar

from syncin_mount.advice import command
from syncin_mount.language import said

__all__ = ["PLACEHOLDER", "command", "says", "sentence", "sentence_or_none"]

PLACEHOLDER = "NAME"
"""Stands for the drive's name in a command where nobody knows which drive is meant."""

_MODULES = (
    ("reconciler", "reconciler"),
    ("reconciler.errors", "remote"),
    ("syncin_mount.store", "store"),
    ("syncin_mount.remote", "remote"),
    ("syncin_mount.errors", "supervisor"),
    ("syncin_mount.control.supervision", "supervisor"),
    ("syncin_mount.control.failures", "supervisor"),
    ("syncin_mount.vfs", "mounting"),
    ("syncin_mount.app.synchronizations.adoption", "registration"),
    ("syncin_mount.app.accounts.remote_folders", "synchronizations"),
    ("syncin_mount.app.errors", "app"),
    ("syncin_mount.app.runtime.free_space", "synchronizations"),
    ("syncin_mount.app.support.health", "health"),
    ("syncin_mount.app.states.only_here", "synchronizations"),
    ("syncin_mount.app.synchronizations.addition", "synchronizations"),
    ("syncin_mount.app.synchronizations.removal", "synchronizations"),
    ("syncin_mount.app.processes.notices", "app"),
    ("syncin_mount.app.processes.at_login", "supervisor"),
    ("syncin_mount.app.processes.spawn", "supervisor"),
    ("syncin_mount.app.synchronizations.reregister", "registration"),
    ("syncin_mount.app.settings.details", "registration"),
    ("syncin_mount.app.runs.wait_synced", "waiting"),
)
"""Packages, and the module here that describes their values."""

Value = TypeVar("Value")
Describe = Callable[[Value, str], str]


@functools.singledispatch
def _describe(value: object, drive: str) -> str:  # noqa: ARG001 (the descriptions below use it)
    return said(value)


def says(kind: type[Value]) -> Callable[[Describe[Value]], Describe[Value]]:
    """Registers the decorated function as the description of values of this class and of its
    subclasses. It is given the value and the drive's name (or `PLACEHOLDER`)."""

    def register(describe: Describe[Value]) -> Describe[Value]:
        _describe.register(kind, describe)
        return describe

    return register


def sentence(value: object, drive: str | None = None) -> str:
    """What people are told of an error or a state: what, why, and what they can do.

    ``drive`` is the name of the drive that the value is about, for the commands in the sentence. A
    text stays as it is; a value that nothing is registered for says what its ``str()`` says.
    """
    for kind in type(value).__mro__:
        for package, module in _MODULES:
            if kind.__module__ == package or kind.__module__.startswith(f"{package}."):
                importlib.import_module(f"{__name__}.{module}")
    text = _describe(value, drive or PLACEHOLDER)
    # A description may hand on the reason of an error, which is a text with what helps.
    return text if type(text) is str else sentence(text, drive)


def sentence_or_none(value: object | None, drive: str | None = None) -> str | None:
    """`sentence`, and None of None."""
    return None if value is None else sentence(value, drive)
