"""``./dev docs``: writes the generated parts of docs/ anew, manual pages and completions, and names
the files that it changed.

``--picture`` makes the README's picture as well, from a real session. ``--site`` builds the
documentation as a site.
"""

from __future__ import annotations

import argparse
import sys

from tests.docs import picture, share
from tests.docs.generate import ROOT, stale, with_generated
from tests.docs.site import build


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev docs", description=__doc__)
    parser.add_argument(
        "--picture", action="store_true", help="make docs/in-use.svg as well; needs FUSE"
    )
    parser.add_argument("--site", action="store_true", help="build the site in build/site as well")
    options = parser.parse_args()
    for page in list(stale()):
        page.write_text(with_generated(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"written: {page.relative_to(ROOT)}")
    for path in share.write():
        print(f"written: {path.relative_to(ROOT)}")
    if options.picture:
        picture.main()
    if options.site:
        try:
            build.build()
        except build.FaultError as fault:
            print(f"{fault}the site is not built: a page has a fault", file=sys.stderr)
            return 1
        print(f"to read it: {build.SITE / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
