"""200 of the cases; ``./dev damage`` has any number."""

from __future__ import annotations

import sys

import pytest

from tests.damage.cases import Original, originals, run

CASES, PARTS = 200, 10


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> list[Original]:
    return originals(tmp_path_factory.mktemp("originals"))


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
@pytest.mark.parametrize("part", range(PARTS))
def test_damage_is_healed_or_told(of: list[Original], part: int) -> None:
    each = CASES // PARTS
    place = of[0].folder.parents[1]
    wrong = [
        found for seed in range(part * each, (part + 1) * each) if (found := run(seed, of, place))
    ]
    assert not wrong, "\n".join(wrong)
