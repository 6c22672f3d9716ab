"""KDE's places: an element in an XBEL file, in the encoding that the file has. Pure. All else in it
stays as it is, byte by byte."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

OWNER: Final = "https://github.com/Sync-in"
"""Marks an element as one that this program made."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED: Final = re.compile(rb"""\A<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes become text, and the text bytes again."""

    mark: bytes
    name: str

    def decoded(self, data: bytes) -> str | None:
        """None for what would not become the same bytes again."""
        try:
            text = data[len(self.mark) :].decode(self.name)
        except UnicodeDecodeError:
            return None
        return text if self.encoded(text) == data else None

    def encoded(self, text: str) -> bytes:
        """Letters that the encoding lacks become references: only names have any."""
        return self.mark + text.encode(self.name, errors="xmlcharrefreplace")


def encoding_of(data: bytes) -> Encoding | None:
    """What the file says (XML 1.0, appendix F); None for an encoding that nobody knows."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Encoding(mark, name)
    declared = _DECLARED.match(data)
    name = "utf-8" if declared is None else declared[1].decode()
    try:
        codecs.lookup(name)
        "".encode(name)
    except LookupError:
        return None
    return Encoding(b"", name)


def xbel_added(text: str, uri: str, label: str) -> str:
    """The text of a file of places with this one; unchanged where it is there already, or where the
    text is no such file."""
    tree = _Tree.of(text)
    if tree is None or tree.end is None or tree.find(uri):
        return text
    element = (
        f" <bookmark href={quoteattr(uri)}>\n"
        f"  <title>{escape(label)}</title>\n"
        "  <info>\n"
        '   <metadata owner="http://freedesktop.org">\n'
        '    <bookmark:icon name="folder-remote"/>\n'
        "   </metadata>\n"
        f'   <metadata owner="{OWNER}"/>\n'
        "  </info>\n"
        " </bookmark>\n"
    )
    after = tree.cut(0, tree.end) + element + tree.cut(tree.end)
    # The name space of the icon is declared by KDE; a file without it would be no XML any more.
    return text if _Tree.of(after) is None else after


def xbel_has(text: str, uri: str) -> bool:
    """Whether there is a place of this address."""
    tree = _Tree.of(text)
    return tree is not None and bool(tree.find(uri))


def xbel_removed(text: str, uri: str) -> str:
    """The text without the element that this program made of it."""
    tree = _Tree.of(text)
    ours = [] if tree is None else [each for each in tree.find(uri) if OWNER in each.owners]
    if tree is None or not ours:
        return text
    after = tree.cut(0, ours[0].start).rstrip(" ") + tree.cut(ours[0].stop).removeprefix("\n")
    return text if _Tree.of(after) is None else after


def meant(uri: str) -> bytes:
    """The same for all ways to write an address: file managers escape fewer characters."""
    return unquote_to_bytes(uri.encode(errors="surrogateescape")).rstrip(b"/")


@dataclass(slots=True)
class _Place:
    """A ``bookmark`` element: where it is in the UTF-8 of the text."""

    start: int
    href: str
    stop: int = 0
    owners: set[str] = field(default_factory=set)


class _Tree:
    """What the text of a file of places has; ``end`` is where its last tag begins, None where it
    has none."""

    def __init__(self, text: str) -> None:
        """Raises expat.ExpatError, UnicodeEncodeError."""
        self._data = text.encode()
        self._places: list[_Place] = []
        self._open: list[tuple[str, int, _Place | None]] = []
        self.end: int | None = None
        # The text is UTF-8 by now, whatever it says of itself.
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.StartElementHandler = self._begins
        self._parser.EndElementHandler = self._ends
        self._parser.Parse(self._data, True)

    @classmethod
    def of(cls, text: str) -> _Tree | None:
        """None where it is no such file."""
        try:
            tree = cls(text)
        except (expat.ExpatError, UnicodeEncodeError):
            return None
        return tree if tree._root == "xbel" else None

    _root = ""

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        at = self._parser.CurrentByteIndex
        if not self._open:
            self._root = name
        place = None
        if name == "bookmark" and "href" in attributes:
            place = _Place(at, attributes["href"])
            self._places.append(place)
        if name == "metadata":
            for _, _, around in self._open:
                if around is not None:
                    around.owners.add(attributes.get("owner", ""))
        self._open.append((name, at, place))

    def _ends(self, _name: str) -> None:
        at = self._parser.CurrentByteIndex
        _, start, place = self._open.pop()
        if at == start:  # <bookmark/>: it has no owner, and a root like this no places
            return
        if place is not None:
            place.stop = self._data.index(b">", at) + 1
        if not self._open:
            self.end = at

    def find(self, uri: str) -> list[_Place]:
        """Those of this address."""
        return [each for each in self._places if meant(each.href) == meant(uri)]

    def cut(self, start: int, stop: int | None = None) -> str:
        """A part of the text."""
        return self._data[start:stop].decode()
