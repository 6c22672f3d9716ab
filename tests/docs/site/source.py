"""What Sphinx is given: a copy of docs/ and of the pages beside it, with the navigation.

The pages stay plain Markdown. `docs/index.md` is the navigation: each of its sections is a group,
with the pages that its lists link to, in their order. `docs/internals/decisions/README.md` has
the decisions in the same way.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path, PurePosixPath

from tests.docs.generate import DOCS, ROOT

BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages of the top folder that are on the site as well."""

LEADING = ("index.md", "internals/decisions/README.md")
"""Pages whose links are the navigation."""

_LINK = re.compile(r"(?<=\]\()([^)\s#]+\.md)(?=[)#])")


def place(path: Path) -> PurePosixPath | None:
    """Return where a file of the repository lies on the site, or None where it does not."""
    if path.is_relative_to(DOCS):
        return PurePosixPath(path.relative_to(DOCS))
    return PurePosixPath(path.name) if path.parent == ROOT and path.name in BESIDE else None


def text_of(page: Path) -> str:
    """Return a page with its links as they are on the site, and with its navigation."""
    here = place(page)
    assert here is not None

    def moved(link: re.Match[str]) -> str:
        target = place(Path(os.path.normpath(page.parent / link[1])))
        return link[1] if target is None else os.path.relpath(target, here.parent)

    text = _LINK.sub(moved, page.read_text(encoding="utf-8"))
    return text + _navigation(text) if str(here) in LEADING else text


def _navigation(text: str) -> str:
    """Return a toctree for each section; what stands before the first is one without a name."""
    made, seen = [], set[str]()
    title, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    for section in [f"\n{title}", *sections]:
        caption, _, body = section.partition("\n")
        lists = re.sub(r"^\|.*", "", body, flags=re.MULTILINE)  # without tables
        pages = [page for page in _LINK.findall(lists) if page not in seen]
        seen.update(pages)
        if pages:
            named = f":caption: {caption}\n" if caption else ""
            made.append(f"\n```{{toctree}}\n:hidden:\n{named}\n" + "\n".join(pages) + "\n```\n")
    return "".join(made)


def write(folder: Path) -> None:
    """Make the folder what Sphinx is to read. A page keeps its time, so that the next build reads
    those alone that changed."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("*.md"))
    for page in [*DOCS.rglob("*.md"), *(ROOT / name for name in BESIDE)]:
        target = folder / str(place(page))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text_of(page), encoding="utf-8")
        shutil.copystat(page, target)
