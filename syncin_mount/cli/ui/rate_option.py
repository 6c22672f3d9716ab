"""Bandwidth limits as options."""

from __future__ import annotations

import click

from syncin_mount.config.rates import parse_rate
from syncin_mount.language import t

OFF = "off"


class Rate(click.ParamType[int | str]):
    """Bytes a second, or ``OFF``: None is an option that was not given."""

    name = "rate"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        try:
            rate = parse_rate(str(value))
        except ValueError as error:
            self.fail(
                t("'{value}' is no limit; give it as {error}", value=value, error=error), param, ctx
            )
        return OFF if rate is None else rate

    @staticmethod
    def value(given: int | str) -> int | None:
        """Bytes a second; None for no limit."""
        return None if isinstance(given, str) else given
