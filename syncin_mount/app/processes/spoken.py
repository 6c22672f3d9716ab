"""A sentence in every language and for each reader: what a process says whose reader it does not
know, because another process shows it, perhaps to several people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncin_mount.advice import Reader, reader, writing_for
from syncin_mount.app.messages import says
from syncin_mount.language import ENGLISH, current, speaking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Spoken:
    """``texts`` are by language (``de``), and then by reader (`Reader`'s values). English for the
    terminal is always there."""

    texts: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        """For logs."""
        return self.texts[ENGLISH][Reader.TERMINAL.value]


def spoken(say: Callable[[], str]) -> Spoken:
    """All that ``say`` says to anybody."""
    from syncin_mount.language.catalogues import languages  # noqa: PLC0415 (start-up time)

    texts: dict[str, dict[str, str]] = {}
    for language in sorted(languages()):
        texts[language] = {}
        for who in Reader:
            with speaking(language), writing_for(who):
                texts[language][who.value] = say()
    return Spoken(texts)


@says(Spoken)
def _spoken(value: Spoken, _drive: str) -> str:
    found = value.texts.get(current(), value.texts[ENGLISH])
    return found.get(reader().value) or str(value)
