"""What runs on Windows' Python, what of it CI runs, and what is left out, with the reasons.

``./dev wine --left-out`` runs the tests that are left out: one that passes has to go from here.
"""

from __future__ import annotations

from typing import Final

RUN: Final = (
    "tests/reconciler",
    "tests/system",
    "tests/vfs",
    "tests/config",
    "tests/control",
    "tests/store",
    "tests/winfsp",
    "tests/windows",
)
"""All that is there for Windows: ``./dev wine --everything``, and ``./dev soak wine``."""

IN_CI: Final = (
    "tests/reconciler",
    "tests/system",
    "tests/config",
    "tests/store/test_contents.py",
    "tests/store/test_journal.py",
    "tests/store/test_map.py",
    "tests/store/test_opening.py",
    "tests/store/test_operations.py",
)
"""What CI runs, and ``./dev wine`` when nothing is named: the quick tests of these. Together with
what is set up for them they take at most six minutes on two cores, so what is added here has to
show something that nothing else here shows."""

OUTSIDE: Final = "tests/wine/mounted"
"""These tests run on Linux, and have daemons inside Wine: they are of ``./dev soak wine``, too."""

PYTHON: Final = "SYNCIN_WINE_PYTHON"
"""The variable that has the version of Windows' Python, for those."""

RUN_THEM: Final = "SYNCIN_WINE_LEFT_OUT"
"""The variable that ``./dev wine --left-out`` sets: then they run, and nothing else."""

_DELETED = "Wine keeps the name of a removed file that is open, and so its folder"
_DEVICES = "Windows has no pipes and devices among files"
_HOLES = "files are not trusted to know their holes on Windows"
_LEASES = "who wants to write meanwhile is refused on Windows; on Linux he waits"
_LINUX_PATHS = "it names files and folders by paths of Linux"
_MODES = "modes say nothing on Windows: who may look in is what the folder's access list says"
_PADDING = "about what Linux's kernel does with a page that is written in part"
_SOCKETS = "Python has no sockets among files on Windows"
_WINE_LINKS = "Windows' Python does not know the links for such that Wine makes"


def _of(file: str, tests: dict[str, str]) -> dict[str, str]:
    return {f"{file}::{test}": reason for test, reason in tests.items()}


LEFT_OUT: Final[dict[str, str]] = {
    **_of(
        "tests/config/test_examples.py",
        {"test_the_settings_mean_what_their_comments_say": _LINUX_PATHS},
    ),
    **_of(
        "tests/config/test_file.py",
        {
            "test_a_link_stays_a_link": _WINE_LINKS,
            "test_only_the_owner_can_read_it": _MODES,
        },
    ),
    **_of(
        "tests/config/test_folders.py",
        {
            "test_a_private_folder_is_closed_to_others": _MODES,
            "test_a_socket_path_always_fits": "the control API has no socket there: a file's path"
            " may be longer",
            "test_without_it_the_xdg_folders_are_used": _LINUX_PATHS,
        },
    ),
    **_of(
        "tests/config/test_found_things.py",
        {
            "test_a_configuration_that_is_no_file_is_named_and_holds_nobody_up": _DEVICES,
            "test_a_device_in_the_place_of_a_file_is_not_replaced": _DEVICES,
            "test_a_log_that_leads_elsewhere_changes_no_mode_there": _DEVICES,
            "test_a_mark_behind_a_link_makes_nothing_ours": _MODES,
            "test_a_start_file_keeps_its_bytes_and_mode": _MODES,
            "test_an_open_folder_that_the_program_did_not_make_is_named": _MODES,
            "test_what_the_program_made_is_closed_again": _MODES,
        },
    ),
    **_of(
        "tests/config/test_tokens.py",
        {
            "test_a_portable_profile_leaves_the_keyring_alone": _MODES,
            "test_without_a_keyring_a_file_is_used": _MODES,
        },
    ),
    **_of(
        "tests/store/test_bin.py",
        {
            "test_an_entry_is_read_and_stays_in_the_bin": _DELETED,
            "test_deleting_keeps_what_the_server_never_had": _WINE_LINKS,
            "test_the_bin_gives_back_what_it_has": _WINE_LINKS,
        },
    ),
    **_of(
        "tests/store/test_contents.py",
        {
            "test_an_interrupted_arrival_goes_on_where_whole_blocks_end": _HOLES,
            "test_holes_that_are_told_too_coarsely_are_not_trusted": _HOLES,
        },
    ),
    **_of(
        "tests/store/test_importing.py",
        {
            "test_holes_take_no_room": _HOLES,
            "test_what_cannot_be_imported_is_told_and_stays": _SOCKETS,
            "test_who_wants_to_write_while_it_is_imported_finds_it_at_its_place": _LEASES,
        },
    ),
    "tests/store/test_opening.py::test_nobody_else_may_look_in": _MODES,
    **_of(
        "tests/store/test_power_recovery.py",
        {
            "test_after_a_power_cut_unsynced_contents_of_the_server_are_fetched_again": _HOLES,
        },
    ),
    "tests/vfs/test_far_writes.py": _PADDING,
}
"""A folder, a file or a test as pytest names it, without its parameters, and the reason."""


def reason_for(test: str) -> str | None:
    """Why the test (as pytest names it) is left out, or None."""
    for name, reason in LEFT_OUT.items():
        rest = test.removeprefix(name)
        if rest != test and (not rest or rest[0] in "/:["):
            return reason
    return None
