"""Real file managers show a drive: emblems of all states, in time, and a menu; a drive that hangs
keeps nobody up. A part of `./dev soak`, since it needs a desktop's packages.

Pictures are put into the folder ``SYNCIN_PICTURES`` to be looked at, where that is set.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from syncin_mount.app.support.desktop_files import MODULES
from tests.desktop.session import STATES, Desktop, Screen, wait_until

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("SYNCIN_DESKTOP"), reason="`./dev soak desktop` runs it"),
]

COLOURS = {
    "synced": (0x2E, 0x7D, 0x32),
    "waiting": (0xB2, 0x6A, 0x00),
    "syncing": (0x15, 0x65, 0xC0),
    "problem": (0xC6, 0x28, 0x28),
    "absent": (0x54, 0x6E, 0x7A),
    "local": (0x5D, 0x4E, 0x75),
}
"""Of the emblems' discs."""

MANAGERS = {
    "nautilus": ["nautilus", "--new-window"],
    "nemo": ["nemo"],
    "caja": ["caja", "--no-desktop", "--browser"],
    "thunar": ["thunar"],
    "dolphin": ["dolphin"],
}
WITH_EMBLEMS = ("nautilus", "nemo", "caja")
THUNARX = Path("/usr/share/doc/thunarx-python")


def opened(desktop: Desktop, manager: str, folder: Path) -> subprocess.Popen[bytes]:
    """The file manager, whose window shows the folder."""
    if shutil.which(manager) is None:
        pytest.skip(f"{manager} is not installed")
    process = desktop.start(*MANAGERS[manager], str(folder))
    wait_until(lambda: bool(desktop.windows(folder.name)), f"a window of {manager}")
    return process


@pytest.mark.parametrize("manager", WITH_EMBLEMS)
def test_each_state_has_its_emblem_and_a_change_is_seen_in_two_seconds(
    desktop: Desktop, manager: str
):
    desktop.install()
    desktop.mount()
    process = opened(desktop, manager, desktop.drive)
    screen = Screen(desktop, COLOURS)
    wait_until(lambda: min(screen.counts().values()) > 5, "the six emblems", 90)
    screen.keep(f"{manager}-emblems")
    assert set(STATES.values()) == set(COLOURS)
    before = screen.counts()
    # What changes is shown without anybody doing anything in the file manager.
    began = time.monotonic()
    (desktop.drive / "done.txt").write_text("edited")
    wait_until(lambda: screen.counts()["waiting"] > before["waiting"], "the other emblem", 30)
    took = time.monotonic() - began
    print(f"{manager}: an emblem changed after {took:.1f} s")
    assert took < 2 * slowness()
    wait_until(lambda: desktop.state("done.txt") == "synced", "the file is up to date again")
    began = time.monotonic()
    wait_until(lambda: screen.counts()["waiting"] <= before["waiting"], "the emblem of before", 30)
    took = time.monotonic() - began
    assert took < 2 * slowness()
    assert process.poll() is None
    assert "Traceback" not in desktop.said()


def slowness() -> float:
    """How much longer than on a quiet machine anything takes, with as many others at work."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize("manager", [*WITH_EMBLEMS, "thunar", "dolphin"])
def test_the_menu_opens_on_a_file_and_holds_it(desktop: Desktop, manager: str):
    """What it shows is looked at on its picture."""
    desktop.install()
    desktop.mount()
    (desktop.drive / "going.txt").unlink()
    process = opened(desktop, manager, desktop.drive)
    screen = Screen(desktop, COLOURS)
    if manager in WITH_EMBLEMS:
        wait_until(lambda: screen.counts()["problem"] > 5, "the emblem", 90)
    else:
        time.sleep(8)
    open_menu(desktop, screen, manager)
    screen.keep(f"{manager}-menu")
    # “Hold” is the fourth entry. GTK 4 shows the menu's own name above the first; Dolphin sorts.
    downs = {"nautilus": 4, "dolphin": 2}.get(manager, 3)
    desktop.xdotool("key", *["Down"] * downs, "Return")
    wait_until(lambda: desktop.held() == 1, "the file is held")
    assert process.poll() is None
    assert "Traceback" not in desktop.said()


def open_menu(desktop: Desktop, screen: Screen, manager: str) -> None:
    """The context menu of `refused.txt`; in Dolphin, which draws no icon without a theme of its
    own, by the keyboard."""
    if manager in WITH_EMBLEMS:
        x, y = screen.middle("problem")
        away = {"nautilus": (-50, 40), "nemo": (-20, -8), "caja": (-18, 22)}[manager]
        desktop.xdotool("mousemove", str(x + away[0]), str(y + away[1]), "click", "3")
    elif manager == "dolphin":
        desktop.xdotool("type", "refused")
        desktop.xdotool("key", "Menu")
    else:
        desktop.xdotool("mousemove", "650", "265", "click", "3")
    time.sleep(3)
    screen.keep(f"{manager}-menu-closed")
    # The entries of extensions are the second to last.
    desktop.xdotool("key", "Up", "Up", "Right")
    time.sleep(1.5)


@pytest.mark.parametrize("manager", WITH_EMBLEMS)
def test_a_drive_that_hangs_keeps_nobody_up(desktop: Desktop, manager: str):
    """The daemon is stopped; other folders open as before."""
    desktop.install()
    desktop.mount()
    process = opened(desktop, manager, desktop.drive)
    screen = Screen(desktop, COLOURS)
    wait_until(lambda: screen.counts()["problem"] > 5, "the emblems", 90)
    other = desktop.home / "Elsewhere"
    other.mkdir()
    (other / "a.txt").write_text("x")
    pid = desktop.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        desktop.start(*MANAGERS[manager], str(other))
        took = wait_until(lambda: bool(desktop.windows("Elsewhere")), "another folder", 30)
        print(f"{manager}: another folder after {took:.1f} s")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: screen.counts() is not None, "the screen")
    assert process.poll() is None


class Asked:
    """Thunar's menus, asked on the system's Python (`menu_probe`)."""

    def __init__(self, desktop: Desktop) -> None:
        self._process = desktop.start(
            *("/usr/bin/python3", "-u", str(Path(__file__).with_name("menu_probe.py"))),
            str(desktop.share / MODULES.parent),
            piped=True,
            asked=True,
        )

    def menu(self, path: Path) -> tuple[float, list[str]]:
        """Seconds that it took, and what it has."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n".encode())
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return told["seconds"], told["labels"]


def test_a_first_menu_knows_the_state_and_a_drive_that_hangs_delays_none(desktop: Desktop):
    """Thunar asks for nothing before the menu."""
    if not THUNARX.exists():
        pytest.skip("Thunar's Python bindings are not installed")
    desktop.install()
    desktop.mount()
    asked = Asked(desktop)
    took, labels = asked.menu(desktop.drive / "refused.txt")
    print(f"thunar: the first menu after {took * 1000:.1f} ms")
    assert {"Why Is It Waiting?", "Hold"} <= set(labels)
    assert "Hold" not in asked.menu(desktop.drive / "done.txt")[1]
    pid = desktop.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        took, labels = asked.menu(desktop.drive / "far.txt")
        print(f"thunar: a menu of a drive that hangs after {took * 1000:.1f} ms")
        assert took < 0.1 * slowness()
        assert "Explain Its State" in labels
        # It is not waited for again, and what is known is shown.
        took, _ = asked.menu(desktop.drive / "waits.txt")
        assert took < 0.02 * slowness()
        assert "Hold" in asked.menu(desktop.drive / "refused.txt")[1]
    finally:
        os.kill(pid, signal.SIGCONT)

    def waited_for() -> bool:
        return "Hold" in asked.menu(desktop.drive / "waits.txt")[1]

    wait_until(waited_for, "the menu, when the drive answers again")
    assert "Hold" not in asked.menu(desktop.drive / "Letters/offer.txt")[1]
    assert "Traceback" not in desktop.said()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until_at_rest(pid: int) -> float:
    """CPU seconds that the process has used when it does nothing any more. Others at work may keep
    it from any processor for a while."""
    last, quiet = cpu_seconds(pid), 0
    wait_for = time.monotonic() + 120
    while quiet < 6 * slowness() and time.monotonic() < wait_for:
        time.sleep(0.5)
        now = cpu_seconds(pid)
        quiet = quiet + 1 if now - last < 0.03 else 0
        last = now
    return last


PLAIN = """
from gi.repository import MODULE, GObject


class Plain(GObject.GObject, MODULE.InfoProvider, MODULE.ColumnProvider):
    def update_file_info(self, file):
        file.add_emblem("syncin-synced")
        file.add_string_attribute("plain", "Up to date")

    def get_columns(self):
        column = {"name": "Plain::state", "attribute": "plain", "label": "Plain"}
        return [MODULE.Column(**column, description="")]
"""
"""An extension that knows at once what every file is, and asks nobody."""

MOST = 1.5
"""How many times the CPU seconds with `PLAIN`."""


@pytest.mark.parametrize("manager", WITH_EMBLEMS)
def test_ten_thousand_files_open_about_as_fast_as_with_the_least_extension(
    desktop: Desktop, manager: str
):
    """File managers draw a file again for what an extension says of it; so the comparison is with
    one that says the least that emblem and column take. Without any is told, too."""
    desktop.mount(many=10_000)
    many = desktop.drive / "many"
    plain = desktop.share / f"{manager}-python/extensions/plain.py"
    plain.parent.mkdir(parents=True, exist_ok=True)
    times: dict[str, list[float]] = {"without": [], "plain": [], "with": []}
    for way in [*times] * 2:
        desktop.uninstall()
        plain.unlink(missing_ok=True)
        if way == "with":
            desktop.install()
        elif way == "plain":
            plain.write_text(PLAIN.replace("MODULE", manager.capitalize()))
        process = opened(desktop, manager, many)
        times[way].append(until_at_rest(process.pid))
        Screen(desktop, COLOURS).keep(f"{manager}-many-{way}")
        process.terminate()
        process.wait(20)
    least = {way: min(found) for way, found in times.items()}
    ratios = {way: round(each / least["without"], 2) for way, each in least.items()}
    print(f"{manager}: CPU seconds {times}, as ratios {ratios}")
    assert least["with"] / least["plain"] < MOST


def test_a_bookmark_comes_and_goes_with_the_drive(desktop: Desktop):
    desktop.mount()
    assert desktop.bookmarks.read_text() == f"{desktop.drive.as_uri()} docs\n"
    desktop.run("umount", "--force", "docs")
    elsewhere = desktop.home / "Elsewhere"
    desktop.run("edit", "docs", "--mountpoint", str(elsewhere))
    assert desktop.bookmarks.read_text() == f"{elsewhere.as_uri()} docs\n"
    desktop.run("remove", "docs", "--yes", "--discard-unsent")
    assert desktop.bookmarks.read_text() == ""
