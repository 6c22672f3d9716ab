"""`./dev docs --site`: the documentation as a site in build/site."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.generate import ROOT
from tests.docs.site import source

SITE = ROOT / "build" / "site"
HERE = Path(__file__).parent


class FaultError(Exception):
    """A page has a fault: the text is what Sphinx says of it."""


def build(site: Path = SITE) -> None:
    """Build the site in this folder, which is replaced. Beside it stay what Sphinx was given and
    what it made of that, for the next time.

    Raises FaultError at each warning of Sphinx, a link that leads nowhere among them.
    """
    shutil.rmtree(site, ignore_errors=True)
    pages, read = site.with_name(f"{site.name}-source"), site.with_name(f"{site.name}-read")
    source.write(pages)
    strict = ("--fail-on-warning", "--keep-going", "--quiet", "--nitpicky", "--no-color")
    places = ("-c", HERE, "-d", read, pages, site)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", *strict, *map(str, places)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FaultError(done.stderr.replace(str(pages), "docs"))
