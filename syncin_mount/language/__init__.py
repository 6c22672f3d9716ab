"""The reader's language: which it is, and texts in it.

`t` and `tn` say a text in the language of the context; English is what the code has. A text in a
table is `mark`ed, and said by `t` where it is shown. What a lower package hands up (a `Phrase`, or
an error that has one) is `said`. CONTRIBUTING.md tells how a text is added,
docs/internals/decisions/0025-languages.md why it is so.

A language belongs to a context (contextvars), not to the process: the supervisor answers a browser
in the browser's language, and shows a tray icon in its user's.

Every command loads this module: what only other languages need is loaded with them.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from gettext import NullTranslations

ENGLISH = "en"

_current: ContextVar[str] = ContextVar("language", default=ENGLISH)
"""English where nobody said another: logs, JSON, and what daemons keep."""


def current() -> str:
    """The language of whoever reads what is made here, as ``de``."""
    return _current.get()


def speak(language: str) -> None:
    """From now on in this context, and in tasks and threads that it starts."""
    _current.set(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """As long as the block lasts."""
    before = _current.set(language)
    try:
        yield
    finally:
        _current.reset(before)


def mark(text: str) -> str:
    """The text itself. It is put into the catalogues, and said by `t` where it is shown."""
    return text


def t(text: str, /, **values: object) -> str:
    """The English ``text`` in the reader's language, with ``values`` put in where it has
    ``{name}``."""
    language = current()
    if language != ENGLISH and text:
        found = _catalogue(language)
        if found is not None:
            return _filled(found.gettext(text), text, _said(values))
    return text.format(**values) if values else text


def tn(one: str, many: str, count: int, /, **values: object) -> str:
    """The same, of ``count`` things, which the texts have as ``{count}``."""
    language = current()
    shown: dict[str, object] = {"count": count, **_said(values)}
    english = one if count == 1 else many
    if language != ENGLISH:
        found = _catalogue(language)
        if found is not None:
            from syncin_mount.language.numbers import number  # noqa: PLC0415 (start-up time)

            shown["count"] = number(count)
            return _filled(found.ngettext(one, many, count), english, shown)
    return english.format(**shown)


def said(text: object) -> str:
    """What a lower package handed up, in the reader's language: a `Phrase`, or an error whose text
    is one. All else says what its ``str()`` says."""
    if type(text) is str:
        return text
    found = text.args[0] if isinstance(text, Exception) and text.args else text
    found = getattr(found, "text", found)  # a Reason's
    if not isinstance(found, Phrase):
        return str.__str__(str(text))
    if found.many is None:
        return t(found.template, **found.values)
    values = {name: value for name, value in found.values.items() if name != "count"}
    return tn(found.template, found.many, found.number, **values)


def _said(values: Mapping[str, object]) -> dict[str, object]:
    """Values that are sentences themselves, in the reader's language."""
    return {name: said(v) if isinstance(v, str | Exception) else v for name, v in values.items()}


def _filled(translation: str, text: str, values: Mapping[str, object]) -> str:
    """A translation with its values. One that does not fit them gives way to the English text."""
    if not values:
        return translation
    try:
        return translation.format(**values)
    except (LookupError, ValueError, AttributeError):
        return text.format(**values)


def _catalogue(language: str) -> NullTranslations | None:
    from syncin_mount.language import catalogues  # noqa: PLC0415 (start-up time)

    return catalogues.catalogue(language, catalogues.PROGRAM)
