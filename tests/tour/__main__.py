"""``./dev tour``: runs the commands of docs/tour.md and docs/tutorial.md, and shows what they say;
``--record`` writes it into the pages, and a page's name runs this one alone."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.tour.script import PAGES, agrees, commands, shell, with_recorded


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev tour", description=__doc__)
    parser.add_argument(
        "--record", action="store_true", help="write what the commands say into the page"
    )
    parser.add_argument(
        "page", nargs="?", choices=[page.stem for page in PAGES], help="this page alone"
    )
    options = parser.parse_args()
    for page in PAGES:
        if options.page in {None, page.stem}:
            _run(page, record=options.record)
    return 0


def _run(page: Path, *, record: bool) -> None:
    text = page.read_text()
    said: list[list[str]] = []
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as home, shell(Path(home)) as bash:
        for command in commands(text):
            said.append(bash.run(command.text))
            mark = "$" if agrees(command.said, said[-1]) else "NOT AS ON THE PAGE $"
            print(mark, command.text)
            for line in said[-1]:
                print(line)
    if record:
        page.write_text(with_recorded(text, said))


if __name__ == "__main__":
    sys.exit(main())
