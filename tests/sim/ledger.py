"""Every version that anybody wrote, and which of them may be gone.

Contents are unique, and so are their sizes: a size tells the version, also of a content that is not
here. A version may be gone when somebody who had it in their tree wrote over it or deleted it
themselves: it is *released* then.
"""

from __future__ import annotations

_LOT = 8192
_FIRST = 64


class Ledger:
    """Numbers versions from 1; each has an author and a content of its own size (bytes)."""

    def __init__(self) -> None:
        self._data: list[bytes] = [b""]
        self._authors: list[str] = [""]
        self.written: set[int] = set()
        self.released: dict[int, str] = {}

    def new(self, author: str, before: int, *, lots: int = 0) -> int:
        """Another version, not written yet. ``before`` is the one that it takes the place of,
        ``lots`` adds bytes."""
        number = len(self._data)
        size = _FIRST + 2 * number + 1 + _LOT * lots
        assert 2 * number + 1 < _LOT - _FIRST, (
            "too many versions for their sizes to tell them apart"
        )
        tag = f"<version {number} by {author} after {before}>".encode()
        self._data.append((tag * (size // len(tag) + 1))[:size])
        self._authors.append(author)
        return number

    def data(self, number: int) -> bytes:
        return self._data[number]

    def part(self, number: int) -> bytes:
        """The beginning of a version, as a writer leaves it who is interrupted. Its size is nobody
        else's either."""
        return self._data[number][:-1]

    def number(self, size: int) -> int:
        """The version that has this size; 0 for none (an interrupted one, or nothing)."""
        rest = size % _LOT - _FIRST
        return rest // 2 if rest > 0 and rest % 2 else 0

    def identify(self, data: bytes) -> int | None:
        """The version that these bytes are; 0 for the beginning of one; None when they are nothing
        anybody wrote."""
        number = self.number(len(data))
        if 0 < number < len(self._data) and self._data[number] == data:
            return number
        rest = (len(data) % _LOT - _FIRST) // 2
        if not data or (0 < rest < len(self._data) and self.part(rest) == data):
            return 0
        return None

    def release(self, size: int, why: str) -> int:
        """Somebody who had this version did away with it. Its number when that was new, else 0."""
        number = self.number(size)
        if not number or number in self.released:
            return 0
        self.released[number] = why
        return number

    def hold_on(self, number: int) -> None:
        """It did not happen after all."""
        self.released.pop(number, None)

    def must_be_kept(self) -> set[int]:
        return self.written - self.released.keys()

    def describe(self, number: int) -> str:
        return f"version {number} by {self._authors[number]}"
