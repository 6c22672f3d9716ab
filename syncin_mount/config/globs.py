"""Wildcards of filter rules, as shells and gitignore(5) have them. Pure.

Sync-in stores no wildcards, so a rule that is entered with some becomes one of the forms that it
stores: the simple one that means the same (``*.tmp`` is "ends with .tmp"), else a regular
expression without a repetition inside a repetition, which the server would refuse.

| written | stands for |
|---|---|
| ``*`` | any characters but ``/`` |
| ``?`` | one character but ``/`` |
| ``[abc]``, ``[a-z]``, ``[!abc]`` | one of these characters, or none of them |
| ``{a,b}`` | one of these texts |
| ``**`` | any number of folders |
| ``\\`` | the next character as it is |

Without a ``/`` (but for one at the end) it is the name of a file or folder anywhere, else a path
from the synchronized folder on.
"""

from __future__ import annotations

import re

from reconciler.phrases import Phrase

_WILD = re.compile(r"[*?\[\]{}\\]")
_REGULAR = re.compile(r"^(?:\^|\.\*)|\$$|[\\()|]|\.\+|\]\+|\{\d")
"""What no wildcard has, and regular expressions and Sync-in's own forms have."""

_SPECIAL = frozenset("\\^$.*+?()[]{}|")


class GlobError(ValueError):
    """A text that cannot be read as a pattern with wildcards. ``str()`` ends a sentence."""


def is_glob(text: str) -> bool:
    """Whether somebody who enters this means wildcards, and no regular expression."""
    return re.search(r"[*?]|\[!|\[\w-\w", text) is not None and _REGULAR.search(text) is None


def as_simple(glob: str) -> tuple[str, str] | None:
    """The simple rule that means the same, as its kind's word and its text; None when there is
    none. What is below a folder that is left out is left out with it."""
    anchored, text = _split(glob)
    for start in ("**/",):
        if anchored and text.startswith(start) and "/" not in text[len(start) :]:
            anchored, text = False, text[len(start) :]
    if text.endswith("/**") and _is_plain(text[:-2]):
        return "starts-with", text[:-2]
    if _is_plain(text):
        return ("path", text) if anchored else None
    if text.endswith("*") and _is_plain(text[:-1]) and anchored:
        return "starts-with", text[:-1]
    if anchored or "/" in text:
        return None
    if text.startswith("*") and text.endswith("*") and _is_plain(text[1:-1]) and text[1:-1]:
        return "contains", text[1:-1]
    if text.startswith("*") and _is_plain(text[1:]):
        return "ends-with", text[1:]
    return None


def as_regexp(glob: str) -> str:
    """The regular expression for a relative path that means the same. Raises GlobError."""
    anchored, text = _split(glob)
    start = "^" if anchored else "(?:^|/)"
    if text.startswith("**/"):
        start, text = "(?:^|/)", text[3:]
    below = text.endswith("/**")
    body = _translated(text[:-3] if below else text)
    return f"{start}{body}/." if below else f"{start}{body}$"


def _split(glob: str) -> tuple[bool, str]:
    """Whether it begins at the synchronized folder, and the text without the slashes around it."""
    text = glob.rstrip("/") if glob.strip("/") else glob
    return "/" in text, text.removeprefix("/")


def _is_plain(text: str) -> bool:
    return bool(text) and _WILD.search(text) is None


def _translated(text: str) -> str:
    found, at = [], 0
    while at < len(text):
        if text.startswith("/**/", at):
            found.append("/(?:|.*/)")
            at += 4
            continue
        letter, at = text[at], at + 1
        if letter == "*":
            while text.startswith("*", at):
                at += 1
            found.append("[^/]*")
        elif letter == "?":
            found.append("[^/]")
        elif letter == "[":
            part, at = _set(text, at)
            found.append(part)
        elif letter == "{":
            part, at = _alternatives(text, at)
            found.append(part)
        elif letter == "\\":
            if at == len(text):
                raise GlobError(Phrase("it ends with a '\\' that stands for nothing"))
            found.append(_literal(text[at]))
            at += 1
        else:
            found.append(_literal(letter))
    return "".join(found)


def _set(text: str, at: int) -> tuple[str, int]:
    """The characters behind a ``[``, and where they end."""
    end = text.find("]", at + 1 + (text[at : at + 1] == "!"))
    if end < 0:
        raise GlobError(Phrase("a '[' has no ']'"))
    negated = text[at] in "!^"
    inner = text[at + negated : end]
    escaped = "".join(f"\\{c}" if c in "\\]^[" else c for c in inner)
    # no set of gitignore(5) stands for a slash
    return (f"[^/{escaped}]" if negated else f"[{escaped}]"), end + 1


def _alternatives(text: str, at: int) -> tuple[str, int]:
    """The texts behind a ``{``, and where they end."""
    end = text.find("}", at)
    if end < 0:
        raise GlobError(Phrase("a '{' has no '}'"))
    if "{" in text[at:end]:
        raise GlobError(Phrase("'{…}' inside '{…}' is not possible"))
    return f"(?:{'|'.join(map(_translated, text[at:end].split(',')))})", end + 1


def _literal(letter: str) -> str:
    return f"\\{letter}" if letter in _SPECIAL else letter
