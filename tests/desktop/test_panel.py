"""A real panel, Xfce's, shows the icon of a real supervisor, its tooltip and its menu. A part of
`./dev soak desktop`, which keeps pictures in the folder ``SYNCIN_PICTURES``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from syncin_mount.tray.icon import COLOURS, Panel
from syncin_mount.tray.view import Kind
from tests.desktop.session import Desktop, Screen, kept, wait_until

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("SYNCIN_DESKTOP"), reason="`./dev soak desktop` runs it"),
]

DRIVES = ("documents", "music", "pictures")

PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="icon-size" type="uint" value="24"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/><value type="int" value="2"/><value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray"/>
  </property>
</channel>
"""
"""A panel at the top, with a tray at its right end."""

ICONS = {
    kind.value: (rgb >> 16, rgb >> 8 & 0xFF, rgb & 0xFF)
    for kind, rgb in ((kind, colours[Panel.ANY]) for kind, colours in COLOURS.items())
}

BACKGROUND = "#8da2b4"
"""Pictures are to have none of a bare screen."""

ENOUGH = 30
"""Pixels of an icon's own colour: its edge and its sign have others."""


def started_panel(desktop: Desktop) -> subprocess.Popen[bytes]:
    folder = desktop.home / ".config/xfce4/xfconf/xfce-perchannel-xml"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "xfce4-panel.xml").write_text(PANEL)
    return desktop.start("xfce4-panel", "--disable-wm-check")


def paused(desktop: Desktop) -> list[bool]:
    return [each["paused"] for each in json.loads(desktop.run("status", "--json"))]


def test_the_panel_shows_the_icon_and_a_click_in_its_menu_pauses_all(desktop: Desktop):
    if shutil.which("xfce4-panel") is None:
        pytest.skip("xfce4-panel is not installed")
    there = desktop.serve()
    for name in DRIVES:
        (there / name).mkdir()
        (there / name / "a.txt").write_text("both have it")
        where = ("--remote", f"personal/{name}", "--mountpoint", str(desktop.home / name))
        desktop.run("add", name, "--server", "home", *where)
    desktop.run("pause", "music")
    desktop.start("xsetroot", "-solid", BACKGROUND).wait(20)
    panel = started_panel(desktop)
    desktop.run("up")
    screen = Screen(desktop, ICONS)

    def shown(kind: Kind) -> bool:
        return screen.counts()[kind.value] >= ENOUGH

    took = wait_until(lambda: shown(Kind.IDLE), "the icon")
    print(f"the icon is there {took:.1f} s after the drives are")
    x, y = screen.middle(Kind.IDLE.value)
    before = screen.pixels()
    desktop.xdotool("mousemove", str(x), str(y))
    wait_until(lambda: changed(before, screen.pixels()) > 2000, "the tooltip")
    desktop.picture(desktop.base / "tooltip.png")
    desktop.xdotool("mousemove", "100", "400")
    wait_until(lambda: changed(before, screen.pixels()) < 500, "the end of the tooltip")
    desktop.xdotool("mousemove", str(x), str(y), "click", "3")
    wait_until(lambda: changed(before, screen.pixels()) > 8000, "the menu")
    desktop.xdotool("key", "Down", "Right")
    wait_until(lambda: changed(before, screen.pixels()) > 12000, "a drive's own menu")
    desktop.picture(desktop.base / "menu.png")
    keep_both(desktop)
    desktop.xdotool("key", "Left", *["Down"] * 4, "Return")  # "Pause all"
    wait_until(lambda: paused(desktop) == [True] * len(DRIVES), "a pause of all")
    wait_until(lambda: shown(Kind.PAUSED) and not shown(Kind.IDLE), "the other icon")
    # A panel that starts again gets the icon again.
    panel.terminate()
    panel.wait(20)
    wait_until(lambda: not shown(Kind.PAUSED), "the panel's end")
    started_panel(desktop)
    wait_until(lambda: shown(Kind.PAUSED), "the icon in the new panel")
    desktop.run("down")
    wait_until(lambda: not shown(Kind.PAUSED), "the icon's end")
    assert "Traceback" not in desktop.said()


def keep_both(desktop: Desktop) -> None:
    """The corner of the screen with the tooltip beside that with the menu: the guide's picture."""
    if (folder := kept()) is None:
        return
    parts = [
        [
            *("(", str(desktop.base / f"{name}.png"), "-crop", f"{width}x{height}+{left}+0"),
            *("+repage", ")"),
        ]
        for name, width, height in (("tooltip", 280, 250), ("menu", 420, 250))
        for left in [desktop.width - width]
    ]
    between = ["(", "-size", "16x250", "xc:none", ")"]
    whole = ["convert", *parts[0], *between, *parts[1], "+append", str(folder / "tray.png")]
    subprocess.run(whole, check=True, timeout=20)


def changed(before: bytes, now: bytes) -> int:
    """Pixels that differ."""
    return sum(before[at : at + 3] != now[at : at + 3] for at in range(0, len(before), 3))
