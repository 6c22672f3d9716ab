"""What the page's scripts say: the texts that they mark, and those that they forgot to mark.

A small scanner, since templates (``html`…${html`…`}…` ``) stand in each other, which the extractors
that there are for JavaScript do not follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

CALLS = {"t": 1, "rich": 1, "tn": 2}
"""The functions whose first arguments, so many, are texts."""

_SEEN = {"alt", "aria-label", "aria-description", "hint", "label", "placeholder", "title", "word"}
"""Attributes, and properties of our components, that are shown or read aloud."""

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<name>[A-Za-z_$][\w$]*)|(?P<number>\d[\w.]*)|(?P<sign>=>|.)",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
_BEFORE_REGEX = {"(", ",", "=", ":", "[", "!", "&", "|", "?", "{", "}", ";", "return", "=>", ""}


@dataclass
class Token:
    """``kind`` is string, name, sign, number or template. A template has its texts in ``parts``,
    and the tokens of what is between them in ``holes``; ``text`` is the name before it."""

    kind: str
    text: str
    line: int
    parts: list[str] = field(default_factory=list)
    holes: list[list[Token]] = field(default_factory=list)


@dataclass(frozen=True)
class Marked:
    """A text of a call: its forms, the function and the line."""

    texts: tuple[str, ...]
    call: str
    line: int


def tokens(source: str) -> list[Token]:
    """The program's tokens, without space and comments."""
    return _tokens(source, 0, inside=False)[0]


def _tokens(source: str, at: int, *, inside: bool) -> tuple[list[Token], int]:
    """From ``at`` on; ``inside`` a template's hole up to the brace that ends it."""
    found: list[Token] = []
    depth = 0
    while at < len(source):
        line = source.count("\n", 0, at) + 1
        if source[at] == "`":
            tag = found[-1].text if found and found[-1].kind == "name" else ""
            token, at = _template(source, at + 1, tag, line)
            found.append(token)
            continue
        before = found[-1].text if found and found[-1].kind in {"sign", "name"} else ""
        if source[at] == "/" and (not found or before in _BEFORE_REGEX - {""}):
            regex = _REGEX.match(source, at)
            if regex is not None:
                at = regex.end()
                found.append(Token("number", regex[0], line))
                continue
        match = _TOKEN.match(source, at)
        assert match is not None
        at = match.end()
        kind = match.lastgroup or ""
        if kind in {"space", "comment"}:
            continue
        if kind == "sign" and inside:
            depth += {"{": 1, "}": -1}.get(match[0], 0)
            if depth < 0:
                return found, at
        text = _unquoted(match[0][1:-1]) if kind == "string" else match[0]
        found.append(Token(kind, text, line))
    return found, at


def _template(source: str, at: int, tag: str, line: int) -> tuple[Token, int]:
    token = Token("template", tag, line)
    part = ""
    while source[at] != "`":
        if source[at] == "\\":
            part += source[at : at + 2]
            at += 2
        elif source.startswith("${", at):
            token.parts.append(part)
            part = ""
            hole, at = _tokens(source, at + 2, inside=True)
            token.holes.append(hole)
        else:
            part += source[at]
            at += 1
    token.parts.append(part)
    return token, at + 1


def _unquoted(text: str) -> str:
    named = {"n": "\n", "t": "\t"}
    return re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|(.))",
        lambda match: chr(int(match[1], 16)) if match[1] else named.get(match[2], match[2]),
        text,
    )


def marked(source: str) -> Iterator[Marked]:
    """The texts that go into a catalogue. Raises ValueError for a call whose text is no literal."""
    for found, _ in _calls(tokens(source)):
        yield found


def _calls(all_tokens: list[Token]) -> Iterator[tuple[Marked, set[int]]]:
    """Each call with the identities of the tokens that are its texts."""
    for at, token in enumerate(all_tokens):
        for hole in token.holes:
            yield from _calls(hole)
        if token.kind != "name" or token.text not in CALLS:
            continue
        before = all_tokens[at - 1].text if at else ""
        after = all_tokens[at + 1].text if at + 1 < len(all_tokens) else ""
        if after == "(" and before not in {".", "function"}:
            yield _call(token, all_tokens, at + 2)


def _call(name: Token, all_tokens: list[Token], at: int) -> tuple[Marked, set[int]]:
    texts: list[str] = []
    used: set[int] = set()
    for _ in range(CALLS[name.text]):
        text = ""
        while all_tokens[at].text not in {",", ")"} or all_tokens[at].kind != "sign":
            token = all_tokens[at]
            if token.kind == "string":
                text += token.text
                used.add(id(token))
            elif token.kind == "sign" and token.text == "+":
                pass
            else:
                raise ValueError(f"line {token.line}: {name.text}(…) wants a literal text")
            at += 1
        at += 1
        texts.append(text)
    return Marked(tuple(texts), name.text, name.line), used


def forgotten(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of what people would read, and no catalogue has."""
    all_tokens = tokens(source)
    used = {each for _, ids in _calls(all_tokens) for each in ids}
    yield from _forgotten(all_tokens, used)


_PROSE = re.compile(r"[A-Za-z]{2,},? [A-Za-z]+|^[A-Z][a-z]+(?![A-Za-z0-9])")
_WORD = re.compile(r"[A-Za-z]{2,}")


def _forgotten(all_tokens: list[Token], used: set[int]) -> Iterator[tuple[int, str]]:
    for token in all_tokens:
        for hole in token.holes:
            yield from _forgotten(hole, used)
        if token.kind == "string" and id(token) not in used and _PROSE.search(token.text):
            yield token.line, token.text
        elif token.kind == "template" and token.text == "html":
            yield from _of_html(token)
        elif token.kind == "template":
            for part in token.parts:
                if _PROSE.search(part.strip()):
                    yield token.line, part.strip()


_HOLE = "\0"
_TAG = re.compile(r"<[^<>]*>", re.DOTALL)
_ATTRIBUTE = re.compile(r"([\w-]+)=(?:\"([^\"]*)\"|'([^']*)'|([^\s>\0\"']+))")


def _of_html(token: Token) -> Iterator[tuple[int, str]]:
    whole = _HOLE.join(token.parts)
    at = 0
    for tag in (*_TAG.finditer(whole), None):
        text = whole[at : tag.start() if tag else len(whole)]
        line = token.line + whole.count("\n", 0, at)
        for part in text.split(_HOLE):
            if _WORD.search(part.replace("&nbsp;", "")):
                yield line, " ".join(part.split())
        if tag is None:
            return
        for name, *values in _ATTRIBUTE.findall(tag[0]):
            value = "".join(values)
            if _WORD.search(value.replace(_HOLE, "")) and (
                name in _SEEN or (_PROSE.search(value) and name not in {"class", "style"})
            ):
                yield line, f"{name}={value.replace(_HOLE, '…')}"
        at = tag.end()
