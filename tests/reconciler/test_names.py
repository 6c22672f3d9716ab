"""Names that the program gives."""

from __future__ import annotations

from itertools import islice

import pytest

from reconciler.names import free_names, name_before_trash


@pytest.mark.parametrize(
    ("name", "second", "third"),
    [
        ("a.txt", "a (restored 2026-11-26).txt", "a (restored 2026-11-26 2).txt"),
        ("folder", "folder (restored 2026-11-26)", "folder (restored 2026-11-26 2)"),
        (".hidden", ".hidden (restored 2026-11-26)", ".hidden (restored 2026-11-26 2)"),
        ("a.tar.gz", "a.tar (restored 2026-11-26).gz", "a.tar (restored 2026-11-26 2).gz"),
    ],
)
def test_a_taken_name_gets_a_date(name: str, second: str, third: str):
    assert list(islice(free_names(name, "2026-11-26"), 3)) == [name, second, third]


@pytest.mark.parametrize(
    "name", ["x" * 255, "ä" * 127, "日" * 80 + ".txt", "x." + "y" * 240, "\udcff" * 250]
)
def test_names_stay_short_and_whole(name: str):
    for found in islice(free_names(name, "2026-11-26"), 1, 4):
        assert len(found.encode("utf-8", "surrogateescape")) <= 246
        assert "(restored 2026-11-26" in found


@pytest.mark.parametrize(
    ("name", "was"),
    [
        ("a-2026.11.23 08-32-19.171.txt", "a.txt"),
        ("folder-2026.11.23 08-32-19.171", "folder"),
        ("a-2026.11.23 08-32-19.171.b.txt", "a-2026.11.23 08-32-19.171.b.txt"),
        ("a.tar-2026.11.23 08-32-19.171.gz", "a.tar.gz"),
        ("a-2026.txt", "a-2026.txt"),
    ],
)
def test_the_date_of_a_namesake_in_the_server_s_trash_is_no_part_of_its_name(name: str, was: str):
    assert name_before_trash(name) == was
