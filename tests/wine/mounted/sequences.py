"""Which of the sequences of tests/winfsp run on the drive of a real daemon, and which cannot."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final

from tests.winfsp import test_sequences, test_win32

_ABSENT: Final = "it takes contents away, or the server: here both are there"
_CLOCK: Final = "it changes the program in memory while it runs"
_ENDS: Final = "it unmounts the drive, which the others use"
_NOTICES: Final = "notices are about the drive, which the others change meanwhile"
_SERVER: Final = "it changes the replica as if the server had; here the server is there"
_TOP: Final = "it is about the top of a drive; here each has a folder of its own"

LEFT_OUT: Final[dict[str, str]] = {
    "test_a_content_that_cannot_be_had_is_an_error": _ABSENT,
    "test_a_disk_that_is_full_at_the_end": _CLOCK,
    "test_a_file_that_the_reconciler_moved_is_deleted_where_it_is": _SERVER,
    "test_a_read_only_drive": _CLOCK,
    "test_a_writer_from_before_goes_on_when_the_drive_becomes_read_only": _CLOCK,
    "test_cmd_mklink_is_refused": "it makes a link, which no server holds",
    "test_explorer_finds_no_recycle_bin": _TOP,
    "test_explorer_makes_no_thumbnails_of_what_is_not_here": _ABSENT,
    "test_notices_wait_for_renames": _NOTICES,
    "test_opening_waits_for_no_content": _ABSENT,
    "test_overwriting_needs_no_content": _ABSENT,
    "test_readers_that_wait_are_answered_when_the_drive_is_unmounted": _ENDS,
    "test_readers_that_wait_keep_no_thread_of_the_driver": _ABSENT,
    "test_the_state_after_a_restart": _ENDS,
    "test_what_is_left_open_is_recorded_at_the_end": _ENDS,
    "test_what_is_never_replaced": _TOP,
    "test_what_is_open_is_not_exchanged": _SERVER,
    "test_what_nobody_expected_is_an_error_and_no_end": _CLOCK,
    "test_windows_is_told_what_the_server_brought": _NOTICES,
}
"""The name of a test, and the reason."""

ON_SERVER: Final[dict[str, dict[str, bytes]]] = {
    "test_libreoffice_saves": {"text.odt": b"old"},
    "test_word_saves": {"Report.docx": b"old version"},
}
"""What lies in a sequence's folder on the server before it begins."""


def sequences() -> Iterator[tuple[str, Callable[..., None]]]:
    """The name of each that runs, which is its folder's too, and the function without its
    parameters."""
    for module in (test_sequences, test_win32):
        for name, function in _tests(module):
            if name not in LEFT_OUT:
                for number, chosen in enumerate(_parameters(function)):
                    told = f"{name} {number}" if chosen else name
                    yield told, functools.partial(function, **chosen)


def all_names() -> set[str]:
    """Of those that are left out, too."""
    return {name for module in (test_sequences, test_win32) for name, _ in _tests(module)}


def _tests(module: ModuleType) -> Iterator[tuple[str, Callable[..., None]]]:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_"):
            yield name, function


def _parameters(function: Any) -> Iterator[dict[str, Any]]:
    """As pytest.mark.parametrize names them; one that is empty where it has none."""
    marks = [each for each in getattr(function, "pytestmark", ()) if each.name == "parametrize"]
    choices = []
    for mark in marks:
        names, values = mark.args
        listed = [each.strip() for each in names.split(",")] if isinstance(names, str) else names
        choices.append(
            [
                dict(zip(listed, value if len(listed) > 1 else (value,), strict=True))
                for value in values
            ]
        )
    for chosen in itertools.product(*choices):
        yield {name: value for each in chosen for name, value in each.items()}
