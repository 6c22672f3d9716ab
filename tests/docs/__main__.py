"""``./dev docs``: writes the generated parts of docs/ anew, and names the pages that it changed."""

from __future__ import annotations

import sys

from tests.docs.generate import ROOT, stale, with_generated


def main() -> int:
    for page in list(stale()):
        page.write_text(with_generated(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"written: {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
