"""Where the page's address leads to."""

from __future__ import annotations

import pytest

from syncin_mount.app.processes.page_opening import place_in_address
from syncin_mount.desktop.page import Place


@pytest.mark.parametrize(
    ("place", "path", "wanted"),
    [
        (Place.START, "a", ""),
        (Place.EXPLAIN, "", "&at=explain/my%20docs"),
        (Place.EXPLAIN, "a/\u00fc", "&at=explain/my%20docs/a%2F%C3%BC"),
        (Place.EXPLAIN, "no \udcff text", "&at=explain/my%20docs"),
    ],
)
def test_a_path_that_is_no_text_leads_to_the_drive(place: Place, path: str, wanted: str):
    assert place_in_address(place, "my docs", path) == wanted
