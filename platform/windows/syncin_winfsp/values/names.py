"""Names: the bytes that the replica has, and the text of UTF-16 units that Windows is shown. Pure.

Each name of the replica has one name on Windows, and no two have the same. What Windows cannot have
at its place stands in the private use area, at U+F000 more than it is, as in Cygwin, WSL and Samba:
reserved characters, a dot or a blank at the end, the last letter of a device's name, and bytes that
are no UTF-8. So do the bytes of characters that are in this part of the private use area
themselves. One half of a surrogate pair is three bytes, as UTF-8 would have it (WTF-8).

Names that differ by case alone cannot stand side by side: all but one have an alias, which tells
the node's number behind `MARK`.
"""

from __future__ import annotations

import re
from typing import Final

MAX_UNITS: Final = 255
"""UTF-16 units of a name on Windows. No name of 255 bytes has more."""

_SHIFT: Final = 0xF000
_RESERVED: Final = '"*:<>?|\\'
_ESCAPED: Final[dict[int, int | str]] = {
    **{ord(each): _SHIFT + ord(each) for each in _RESERVED},
    **{code: _SHIFT + code for code in range(1, 32)},
    # bytes that are no UTF-8, as `surrogateescape` has them
    **{0xDC00 + byte: _SHIFT + byte for byte in range(0x80, 0x100)},
    # the characters that stand for others
    **{
        _SHIFT + low: "".join(chr(_SHIFT + byte) for byte in chr(_SHIFT + low).encode())
        for low in range(0x100)
    },
}
_STANDS_FOR_A_BYTE: Final = re.compile("[\uf001-\uf0ff]+")

_DEVICE: Final = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³])(?=[ .:]|$)",
    re.IGNORECASE,
)
"""What names a device, whatever stands behind a dot or blanks (Microsoft: Naming Files)."""

_PLAIN: Final = re.compile(
    rb"[A-Za-z0-9_~!#$%&'()+,.;=@\[\]^`{} -]*[A-Za-z0-9_~!#$%&'()+,;=@\[\]^`{}-]"
)
"""Most names: nothing of them needs an escape, but for devices' names."""

_HALF_PAIRS: Final = re.compile("\uf0ed[\uf0a0-\uf0bf][\uf080-\uf0bf]")
_MANY_HALVES: Final = re.compile(f"(?:{_HALF_PAIRS.pattern})+")

MARK: Final = "\uf07e"
"""Before the number in an alias. A tilde needs no escape, so it is in no other name."""
_ALIAS: Final = re.compile(rf"(.*){MARK}([1-9][0-9]{{0,19}})((?:\.[^.]*)?)", re.DOTALL)


class NoName(ValueError):
    """No entry of a folder can have this text as its name."""


def to_windows(name: bytes) -> str:
    """The name that Windows is shown."""
    text = name.decode("ascii") if _PLAIN.fullmatch(name) else _escaped(name)
    device = _DEVICE.match(text)
    if device is not None:
        last = device.end() - 1
        shown = "".join(chr(_SHIFT + byte) for byte in text[last].encode())
        text = text[:last] + shown + text[last + 1 :]
    return text


def _escaped(name: bytes) -> str:
    text = name.decode("utf-8", "surrogateescape").translate(_ESCAPED)
    text = _MANY_HALVES.sub(lambda found: _halves(found[0]), text)
    if text[-1:] in {".", " "} and text not in {".", ".."}:
        text = text[:-1] + chr(_SHIFT + ord(text[-1]))
    return text


def _halves(text: str) -> str:
    """Halves of pairs. Two that would be read as a pair stay bytes, as does all around them."""
    units = "".join(
        chr(0xD000 | (ord(text[at + 1]) & 0x3F) << 6 | ord(text[at + 2]) & 0x3F)
        for at in range(0, len(text), 3)
    )
    return text if re.search("[\ud800-\udbff][\udc00-\udfff]", units) else units


def from_windows(name: str) -> bytes:
    """The replica's name for one that Windows has. Raises NoName: for what only looks like a name
    that Windows was shown, and for what it cannot be shown."""
    raw = b"".join(_pieces(name))
    if not raw or raw in {b".", b".."} or b"/" in raw or b"\0" in raw or to_windows(raw) != name:
        raise NoName(name)
    return raw


def _pieces(name: str) -> list[bytes]:
    pieces, at = [], 0
    for found in _STANDS_FOR_A_BYTE.finditer(name):
        pieces.append(name[at : found.start()].encode("utf-8", "surrogatepass"))
        pieces.append(bytes(ord(each) - _SHIFT for each in found[0]))
        at = found.end()
    pieces.append(name[at:].encode("utf-8", "surrogatepass"))
    return pieces


def alias(name: bytes, number: int) -> str:
    """The name on Windows of what differs from another name in its folder by case alone."""
    stem, dot, suffix = to_windows(name).rpartition(".")
    if not stem:
        stem, dot, suffix = to_windows(name), "", ""
    room = MAX_UNITS - len(_units(f"{MARK}{number}{dot}{suffix}"))
    if room < 1:
        stem, dot, suffix = to_windows(name), "", ""
        room = MAX_UNITS - len(_units(f"{MARK}{number}"))
    while len(_units(stem)) > room:
        stem = stem[:-1]
    return f"{stem}{MARK}{number}{dot}{suffix}"


def _units(text: str) -> list[int]:
    raw = text.encode("utf-16-le", "surrogatepass")
    return [raw[at] | raw[at + 1] << 8 for at in range(0, len(raw), 2)]


def number_in_alias(name: str) -> int | None:
    """The node's number in an alias; None for every other name."""
    found = _ALIAS.fullmatch(name)
    return None if found is None else int(found[2])
