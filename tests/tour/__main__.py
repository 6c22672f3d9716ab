"""``./dev tour``: runs the commands of docs/tour.md and shows what they say; ``--record`` writes it into the page."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.tour.script import PAGE, agrees, commands, shell, with_recorded


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev tour", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write what the commands say into the page")
    options = parser.parse_args()
    page = PAGE.read_text()
    said: list[list[str]] = []
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as home, shell(Path(home)) as bash:
        for command in commands(page):
            said.append(bash.run(command.text))
            mark = "$" if agrees(command.said, said[-1]) else "NOT AS ON THE PAGE $"
            print(mark, command.text)
            for line in said[-1]:
                print(line)
    if options.record:
        PAGE.write_text(with_recorded(page, said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
