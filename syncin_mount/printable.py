"""Text that does nothing but be read. Pure.

Names, paths and sentences come from servers and other people. What could steer a terminal (C0 and
C1 controls), turn the direction of text, be there unseen (zero width) or end a line is shown as an
escape, as ``\\x1b`` and ``\\u202e``.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """One line of it, whatever is in it; also what has no encoding is an escape then."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def printable_lines(text: str) -> str:
    """Several lines of it: line feeds and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" else printable(c) for c in text)
