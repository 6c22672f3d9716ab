"""Everything here goes each way between commands and daemons that this system has."""

from __future__ import annotations

import sys

import pytest

from syncin_mount.control import transport
from syncin_mount.control.transport.loopback import Loopback

WAYS = ["loopback"] if sys.platform == "win32" else ["unix", "loopback"]


@pytest.fixture(params=WAYS, autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    found: str = request.param
    if found == "loopback":
        monkeypatch.setattr(transport, "USED", Loopback())
    return found
