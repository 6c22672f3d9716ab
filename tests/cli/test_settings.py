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
        "language": None,
    }
    assert (world.home / "config.toml").read_text() == before
    said = await world.must("settings", "--notifications", "off", "--log", "debug")
    values = [line.split()[-1] for line in said.splitlines()]
    assert values == ["parallel", "off", "on", "debug", "auto"]
    text = (world.home / "config.toml").read_text()
    assert '[program]\nnotifications = false\nlog = "debug"\n' in text
    assert "tray" not in text
    await world.must("settings", "--tray", "off", "--notifications", "on")
    assert (await world.json("settings"))["tray"] is False
    assert (await world.json("settings"))["notifications"] is True
    said = await world.must("settings", "--language", "fr")
    assert said.splitlines()[-1].split() == ["language:", "fr"]
    assert (await world.json("settings"))["language"] == "fr"
    await world.must("settings", "--language", "auto")
    assert "language" not in (world.home / "config.toml").read_text()
