"""What a page of the site has in it, and which of its links lead nowhere."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADS = {"src", "srcset", "data", "poster", "action", "background"}
"""Attributes whose address a browser asks for by itself; of <link> it is ``href``."""


class Parts(HTMLParser):
    """What a page has: places to jump to, links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.ids.add(found.get("id", ""))
        self.loads += [value for name, value in found.items() if name in LOADS]
        if tag == "link":
            self.loads.append(found["href"])
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "meta" and found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]


def objections(page: Path, pages: dict[Path, Parts]) -> list[str]:
    """The links of a page that lead nowhere."""
    wrong = []
    for link in pages[page].links + pages[page].loads:
        address, anchor = urldefrag(link)
        if urlsplit(address).scheme in {"http", "https", "mailto", "data"}:
            continue
        target = (page.parent / unquote(urlsplit(address).path)).resolve() if address else page
        if not target.is_file() or (anchor and unquote(anchor) not in pages[target].ids):
            wrong.append(link)
    return wrong
