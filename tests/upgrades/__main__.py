"""``python -m tests.upgrades`` makes this version's archive in ``tests/upgrades/data``: once for
each release, on the commit that is tagged."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from syncin_mount import __version__
from tests.upgrades.making import DATA, make


def main() -> int:
    target = DATA / f"{__version__}.tar.xz"
    if target.exists():
        print(f"{target} is there already: what a release left is never made again")
        return 1
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        make(target, Path(folder) / "world")
    print(f"{target}: {target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
