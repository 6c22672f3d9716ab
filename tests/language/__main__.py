"""``./dev messages``: collects the texts of the code in the catalogues, keeps what is translated,
compiles them, and tells what lacks a translation. ``--check`` writes nothing."""

from __future__ import annotations

import argparse
import sys

from tests.language.catalogue_files import DOMAINS, LANGUAGES, files, missing
from tests.language.extraction import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev messages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--missing", action="store_true", help="list what lacks a translation")
    options = parser.parse_args()
    stale = False
    for path, wanted in files():
        if path.exists() and path.read_bytes() == wanted:
            continue
        stale = True
        print(f"{'not as it should be' if options.check else 'written'}: {path.relative_to(ROOT)}")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted)
    for language in LANGUAGES:
        for domain in DOMAINS:
            without = missing(language, domain)
            print(f"{language} {domain}: {len(without)} without a translation")
            for text in without if options.missing else ():
                print(f"  {text!r}")
    return int(stale and options.check)


if __name__ == "__main__":
    sys.exit(main())
