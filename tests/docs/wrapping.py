"""Paragraphs of generated parts, in lines as long as everywhere in docs/."""

from __future__ import annotations

import re
import textwrap

WIDTH = 100


def wrapped(text: str, first: str = "", rest: str = "") -> str:
    """One paragraph. No line is over ``WIDTH`` unless a word is, and code stays on one line."""
    whole = re.sub(r"`[^`]+`", lambda code: code[0].replace(" ", "\0"), " ".join(text.split()))
    filled = textwrap.fill(
        whole,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace("\0", " ")
