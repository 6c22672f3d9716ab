"""The embedded server and a profile, as the commands' tests have them."""

from tests.cli.conftest import world

__all__ = ["world"]
