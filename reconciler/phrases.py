"""Sentences for people, as core packages hand them up: English, and what another language needs."""

from __future__ import annotations

from typing import Any, Self


class Phrase(str):
    """An English sentence that keeps the ``template`` and the ``values`` that it was made of, so
    that whoever shows it can say it in the reader's language. ``many`` is the template for more
    than one of ``number`` things. To all else it is a plain text: logs and JSON say it as it is."""

    __slots__ = ("many", "number", "template", "values")
    template: str
    values: dict[str, object]
    many: str | None
    number: int

    def __new__(cls, template: str, /, **values: object) -> Self:
        return cls._made(template, None, 1, values)

    @classmethod
    def _made(cls, template: str, many: str | None, count: int, values: dict[str, object]) -> Self:
        english = template if many is None or count == 1 else many
        text = super().__new__(cls, english.format(**values) if values else english)
        text.template, text.many, text.number, text.values = template, many, count, values
        return text

    def __str__(self) -> str:
        """Itself: what ``str()`` says of an error keeps what another language needs."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Phrase._made, (self.template, self.many, self.number, self.values)


def counted(one: str, many: str, count: int, /, **values: object) -> Phrase:
    """A sentence about ``count`` things, which the templates have as ``{count}``."""
    return Phrase._made(one, many, count, {"count": count, **values})  # noqa: SLF001 (its factory)


def english(text: object) -> str:
    """For msgspec's ``enc_hook``: what is kept on a disk keeps a `Phrase` as its English text, and
    knows it by that again. Raises NotImplementedError for anything else."""
    if isinstance(text, str):
        return str.__str__(text)
    raise NotImplementedError(type(text).__name__)


def strerror(error: OSError) -> Phrase:
    """What the system says of an error: `syncin_mount.language.system_errors` lists what people
    may meet."""
    text = error.strerror or str(error)
    return text if isinstance(text, Phrase) else Phrase._made(text, None, 1, {})  # noqa: SLF001
