"""`settings`, as real commands."""

from __future__ import annotations

from tests.cli.conftest import World


async def test_what_holds_for_the_program_is_shown_and_changed(world: World):
    await world.log_in()
    before = (world.home / "config.toml").read_text()
    shown = await world.json("settings")
    assert shown == {
        "scheduler": "parallel",
        "notifications": True,
        "tray": True,
        "log_level": "info",
    }
    assert (world.home / "config.toml").read_text() == before
    said = await world.must("settings", "--notifications", "off", "--log", "debug")
    assert [line.split()[-1] for line in said.splitlines()] == ["parallel", "off", "on", "debug"]
    text = (world.home / "config.toml").read_text()
    assert '[program]\nnotifications = false\nlog = "debug"\n' in text
    assert "tray" not in text
    await world.must("settings", "--tray", "off", "--notifications", "on")
    assert (await world.json("settings"))["tray"] is False
    assert (await world.json("settings"))["notifications"] is True
