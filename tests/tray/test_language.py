"""The icon speaks the language that is set, from the moment it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tray import test_tray
from tests.tray.panels import Panel
from tests.tray.test_tray import Supervision

bus, folders, icon, shown = test_tray.bus, test_tray.folders, test_tray.icon, test_tray.shown
supervision = test_tray.supervision

ENGLISH, GERMAN = "docs: not mounted", "docs: nicht eingebunden"


@pytest.fixture(autouse=True)
def english_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


async def test_it_follows_a_change_at_once(shown: Panel, supervision: Supervision) -> None:
    assert ENGLISH in await shown.labels()
    for language, label in (("de", GERMAN), (None, ENGLISH)):
        shown.signals.clear()
        supervision.configuration = replace(supervision.configuration, language=language)
        supervision.change()
        await shown.until(lambda: len(shown.signals) >= 2)
        assert label in await shown.labels()
        assert (await shown.properties())["ToolTip"][3] == label


async def test_without_a_setting_it_is_the_sessions(
    shown: Panel, supervision: Supervision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    shown.signals.clear()
    supervision.change()
    await shown.until(lambda: len(shown.signals) >= 2)
    assert GERMAN in await shown.labels()
