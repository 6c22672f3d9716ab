"""Rules that leave paths out of a synchronization: read from and written as Sync-in's own forms,
checked, matched.

The server keeps filters as JavaScript regular expressions on the relative path, without regard to
case. The platform's dialogs make them of what people type without escaping anything: ``^X.*``,
``.*X.*``, ``.*X$``, and a plain relative path for one file or folder. Read back, these are the
simple rules that were meant, so ``.*.tmp$`` leaves ``a.tmp`` out and not ``atmp``. All else is a
regular expression, matched in linear time (RE2), as it may come from anybody.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reconciler.phrases import Phrase
from syncin_mount.config.globs import GlobError, as_regexp, as_simple, is_glob

MOST_RULES = 100
LONGEST_RULE = 1024
_MOST_REPETITIONS = 25
"""Limits of the server: rules, characters of one, repetitions in one."""


class FilterError(ValueError):
    """A rule that cannot be. ``str()`` is one sentence."""


class RuleKind(enum.Enum):
    """What a rule looks at; the values are the words in which people enter it."""

    STARTS = "starts-with"
    CONTAINS = "contains"
    ENDS = "ends-with"
    PATH = "path"
    REGEXP = "regexp"


_SPECIAL = frozenset("\\^$.*+?()[]{}|")
_NO_NAME = re.compile(r"[\\*?|^$]|\.\+|[\])][+{]|\{\d+(?:,\d*)?\}|\[\w-\w")
"""What makes a text a regular expression rather than a name: ``report (1).pdf`` and ``photo
[2].jpg`` are names."""

_FORMS = (
    (RuleKind.STARTS, re.compile(r"\^(.+)\.\*", re.DOTALL)),
    (RuleKind.CONTAINS, re.compile(r"\.\*(.+)\.\*", re.DOTALL)),
    (RuleKind.ENDS, re.compile(r"\.\*(.+)\$", re.DOTALL)),
    (RuleKind.STARTS, re.compile(r"\^(.+)", re.DOTALL)),
    (RuleKind.ENDS, re.compile(r"(.+)\$", re.DOTALL)),
)
_WHOLE = re.compile(r"\^(.+)\$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``text`` is a part of the path as it is, or a regular expression. ``PATH`` is one
    file or folder, by its whole relative path; whatever is below a folder that is left out is left
    out with it."""

    kind: RuleKind
    text: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.text}"

    @property
    def pattern(self) -> str:
        """As Sync-in stores it. ``parse`` makes an equal rule of it."""
        if self.kind is RuleKind.REGEXP:
            return self.text if parse(self.text).kind is RuleKind.REGEXP else f"(?:{self.text})"
        plain = not _NO_NAME.search(self.text)
        text = self.text if plain else "".join(f"\\{c}" if c in _SPECIAL else c for c in self.text)
        if self.kind is RuleKind.PATH:
            return text if plain else f"^{text}$"
        before, after = {
            RuleKind.STARTS: ("^", ".*"),
            RuleKind.CONTAINS: (".*", ".*"),
            RuleKind.ENDS: (".*", "$"),
        }[self.kind]
        return f"{before}{text}{after}"


def parse(pattern: str) -> Rule:
    """The rule that a stored pattern stands for. Nothing is checked."""
    whole = _WHOLE.fullmatch(pattern)
    if whole is not None:
        literal = _unescaped(whole[1])
        return Rule(RuleKind.REGEXP, pattern) if literal is None else Rule(RuleKind.PATH, literal)
    for kind, form in _FORMS:
        match = form.fullmatch(pattern)
        if match is not None:
            literal = match[1] if not _NO_NAME.search(match[1]) else _unescaped(match[1])
            if literal is not None:
                return Rule(kind, literal)
    if pattern and not _NO_NAME.search(pattern):
        return Rule(RuleKind.PATH, pattern)
    return Rule(RuleKind.REGEXP, pattern)


def _unescaped(text: str) -> str | None:
    """The text that a pattern of nothing but letters and escaped special characters fits, else
    None."""
    found, rest = [], iter(text)
    for c in rest:
        letter = next(rest, "") if c == "\\" else c
        if (letter in _SPECIAL) is not (c == "\\"):
            return None
        found.append(letter)
    return "".join(found)


GLOB = "glob"
"""The word before a text with wildcards. No kind of its own: another one that means the same is
stored."""


def entered(text: str) -> Rule:
    """The rule that somebody typed: ``ends-with:.tmp`` and the like, wildcards (``*.tmp``,
    ``build/**``), or one of Sync-in's own forms. Raises FilterError."""
    word, colon, rest = text.partition(":")
    if colon and word in {kind.value for kind in RuleKind}:
        rule = Rule(RuleKind(word), rest)
    elif colon and word == GLOB:
        rule = _of_glob(text, rest)
    elif is_glob(text):
        rule = _of_glob(text, text)
    elif text in {".*", ".+"}:
        raise FilterError(
            Phrase(
                "'{text}' cannot be a filter: it fits every path as a regular expression,"
                " and hidden files as wildcards; write regexp:{text} or glob:{text}",
                text=text,
            )
        )
    else:
        rule = parse(text)
    if rule.kind is RuleKind.PATH:
        rule = Rule(RuleKind.PATH, rule.text.strip("/"))
    wrong = objection([rule.pattern]) if rule.text else Phrase("it is empty")
    if wrong:
        raise FilterError(Phrase("'{text}' cannot be a filter: {wrong}", text=text, wrong=wrong))
    return rule


def _of_glob(text: str, glob: str) -> Rule:
    """The rule that wildcards stand for. Raises FilterError."""
    if glob.startswith("!"):
        raise FilterError(
            Phrase(
                "'{text}' cannot be a filter: a filter only leaves out; there is no '!' that"
                " takes something in again",
                text=text,
            )
        )
    if not glob.strip("/"):
        return Rule(RuleKind.PATH, "")
    simple = as_simple(glob)
    if simple is not None:
        return Rule(RuleKind(simple[0]), simple[1])
    try:
        return Rule(RuleKind.REGEXP, as_regexp(glob))
    except GlobError as error:
        raise FilterError(
            Phrase("'{text}' cannot be a filter: {error}", text=text, error=error)
        ) from error


def objection(patterns: Sequence[str]) -> str | None:
    """What is wrong with these stored patterns together, as the end of a sentence, or None."""
    if len(patterns) > MOST_RULES:
        return Phrase(
            "a synchronization has up to {most} filters, these are {count}",
            most=MOST_RULES,
            count=len(patterns),
        )
    for pattern in patterns:
        wrong = _wrong(pattern)
        if wrong:
            return wrong if len(patterns) == 1 else f"'{pattern}': {wrong}"
    return None


def _wrong(pattern: str) -> str | None:
    if not pattern:
        return Phrase("it is empty")
    if len(pattern) > LONGEST_RULE:
        return Phrase(
            "a filter has up to {most} characters, this one has {count}",
            most=LONGEST_RULE,
            count=len(pattern),
        )
    if not pattern.isprintable():
        return Phrase("it has control characters or bytes that are no text in it")
    rule = parse(pattern)
    if rule.kind is not RuleKind.REGEXP:
        return None
    wrong = _foreign(rule.text) or _too_much(rule.text)
    if wrong:
        return wrong
    try:
        if _compiled(rule.text).search(""):
            return Phrase("it fits every path, so nothing would be left")
    except FilterError as error:
        return str(error)
    return None


# regular expressions ------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<escape>\\(?:x[0-9A-Fa-f]{2}|.)?)|(?P<set>\[\^?(?:\\.|[^\]\\])*\]?)|(?P<open>\((?:\?(?:<?[=!]|<|.)?)?)|(?P<close>\))"
    r"|(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)|.",
    re.DOTALL,
)
_ESCAPES = "dDwWsSbBtnrfv"


def _foreign(pattern: str) -> str | None:
    """What RE2 cannot do or reads otherwise than JavaScript does: the pattern must mean the same to
    both."""
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if token["open"] in {"(?=", "(?!", "(?<=", "(?<!"}:
            return Phrase(
                "looking ahead or behind ('{text}') is not possible here, as it can take for"
                " ever; write it without",
                text=text,
            )
        if token["open"] and len(text) > 1 and text not in {"(?:", "(?<"}:
            return Phrase(
                "'{text}' is no part of a JavaScript regular expression; groups are (…),"
                " (?:…) and (?<name>…)",
                text=text,
            )
        if token["escape"] and (text[1:].isdigit() or text == "\\k"):
            return Phrase(
                "a reference to a group ('{text}') is not possible here, as it can take for"
                " ever; write it without",
                text=text,
            )
        for escape in (
            [text]
            if token["escape"]
            else re.findall(r"\\.?", text, re.DOTALL)
            if token["set"]
            else []
        ):
            if escape[1:2].isalnum() and escape[1] not in _ESCAPES and not escape.startswith("\\x"):
                return Phrase(
                    "the escape '{escape}' is not possible here; write the character itself, or"
                    " as \\xHH",
                    escape=escape,
                )
            if escape == "\\x" and token["escape"]:
                return Phrase("'\\x' needs two hexadecimal digits, as in \\x41")
        if token["set"] in {"[]", "[^]"} or "[:" in (token["set"] or ""):
            return Phrase(
                "the character class '{text}' is not possible here; list its characters", text=text
            )
    return None


def _too_much(pattern: str) -> str | None:
    """The server refuses, as unsafe, a repetition inside a repetition and more than 25 of them."""
    count, groups, last = 0, [False], False
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            groups.append(False)
        elif token["close"]:
            last = groups.pop() if len(groups) > 1 else False
            groups[-1] |= last
            continue
        elif token["repeat"]:
            count += 1
            if last:
                return Phrase(
                    "a repetition inside a repetition, as in (a+)+, is unsafe; write it with one"
                )
            groups[-1] = True
        last = False
    return (
        Phrase(
            "it has {count} repetitions, the server takes {most}",
            count=count,
            most=_MOST_REPETITIONS,
        )
        if count > _MOST_REPETITIONS
        else None
    )


@lru_cache(maxsize=4 * MOST_RULES)
def _compiled(pattern: str) -> Any:
    """Raises FilterError."""
    import re2  # noqa: PLC0415 (start-up time: few have such filters)

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        [why] = error.args
        text = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise FilterError(
            Phrase(
                "it is no regular expression ({text}); for names with these very letters use"
                " {hint}",
                text=text,
                hint=_HINT,
            )
        ) from error


_HINT = Phrase("starts-with:…, contains:…, ends-with:… or path:…")


# matching -----------------------------------------------------------------------------------------


@lru_cache(maxsize=100_000)
def _fold_letter(letter: str) -> str:
    """As JavaScript does without regard to case: a letter's capital, if that is one letter and not
    ASCII for one that is not."""
    capital = letter.upper()
    return letter if len(capital) != 1 or (letter >= "\x80" > capital) else capital


def _fold(text: str) -> str:
    return text.upper() if text.isascii() else "".join(map(_fold_letter, text))


@lru_cache
def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool] | None:
    """Whether a relative path fits one of the stored patterns, itself, without regard to what is
    above it; None when there are none. Raises FilterError for a pattern that cannot be."""
    rules = [parse(pattern) for pattern in patterns]
    if not rules:
        return None

    def texts(kind: RuleKind) -> tuple[str, ...]:
        return tuple(_fold(rule.text) for rule in rules if rule.kind is kind)

    starts, ends, parts = texts(RuleKind.STARTS), texts(RuleKind.ENDS), texts(RuleKind.CONTAINS)
    paths = frozenset(texts(RuleKind.PATH))
    searches = [_compiled(rule.text).search for rule in rules if rule.kind is RuleKind.REGEXP]

    def fits(path: str) -> bool:
        folded = _fold(path)
        if folded in paths or folded.startswith(starts) or folded.endswith(ends):
            return True
        if any(part in folded for part in parts):
            return True
        if not searches:
            return False
        # RE2 takes no lone surrogates
        text = path if path.isascii() else path.encode(errors="replace").decode()
        return any(search(text) for search in searches)

    return fits
