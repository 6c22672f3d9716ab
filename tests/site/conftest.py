"""The documentation as a site, built once for all tests of a file, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.docs.site import build


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site. That it is built at all shows that no link of a page leads
    nowhere."""
    if find_spec("sphinx") is None:
        pytest.skip("sphinx is not installed: ./dev test --all installs it")
    folder = tmp_path_factory.mktemp("built") / "site"
    build.build(folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from tests.web.browser import chromium

    with chromium() as found:
        yield found
