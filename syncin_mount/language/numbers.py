"""Numbers, sizes and times as the reader writes them. English needs nothing that is slow to
load."""

from __future__ import annotations

import datetime as dt

from syncin_mount.language import ENGLISH, current


def number(value: float, decimals: int = 0) -> str:
    """``1.234,5`` with one decimal in German; in English as terminals have it, ``1234.5``."""
    if current() == ENGLISH:
        return f"{value:.{decimals}f}"
    from babel import UnknownLocaleError  # noqa: PLC0415 (start-up time)
    from babel.numbers import format_decimal  # noqa: PLC0415

    digits = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    try:
        return _spaced(format_decimal(value, format=digits, locale=current()))
    except UnknownLocaleError:
        return f"{value:.{decimals}f}"


def moment(when: dt.datetime, english: str, *, day: str = "", clock: str = "") -> str:
    """A time: as ``english`` says (strftime); in another language by CLDR's skeletons for the
    ``day`` (``yMMdd``) and the ``clock`` (``Hms``), as far as they are given."""
    if current() == ENGLISH:
        return when.strftime(english)
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 (start-up time)
    from babel.dates import format_skeleton  # noqa: PLC0415

    try:
        locale = Locale.parse(current())
        parts = [format_skeleton(each, when, locale=locale) for each in (clock, day) if each]
        both = str(locale.datetime_formats["short"])
    except UnknownLocaleError:
        return when.strftime(english)
    return _spaced(parts[0] if len(parts) == 1 else both.format(*parts))


def _spaced(text: str) -> str:
    """With ordinary spaces: on a terminal others would be shown as escapes."""
    return text.replace("\u202f", " ").replace("\xa0", " ")
