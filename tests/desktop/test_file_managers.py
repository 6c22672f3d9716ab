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
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount.app.support.desktop_files import MODULES
from tests.desktop.session import PROGRAMS, STATES, Desktop, wait_until

pytestmark = [
    pytest.mark.timeout(600),
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


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    missing = [each for each in PROGRAMS if shutil.which(each) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with (
        tempfile.TemporaryDirectory(prefix="fm-", dir="/tmp") as base,
        Desktop(Path(base) / "d") as desktop,
    ):
        yield desktop


def opened(desktop: Desktop, manager: str, folder: Path) -> subprocess.Popen[bytes]:
    """The file manager, whose window shows the folder."""
    if shutil.which(manager) is None:
        pytest.skip(f"{manager} is not installed")
    process = desktop.start(*MANAGERS[manager], str(folder))
    wait_until(lambda: bool(desktop.windows(folder.name)), f"a window of {manager}")
    return process


class Screen:
    """What the screen of a desktop shows, as pixels."""

    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop
        self._path = desktop.base / "screen.png"

    def pixels(self) -> bytes:
        self._desktop.picture(self._path)
        done = subprocess.run(
            ["convert", str(self._path), "-depth", "8", "rgb:-"], check=True, capture_output=True
        )
        return done.stdout

    def counts(self) -> dict[str, int]:
        """Pixels in the colour of each state's emblem."""
        pixels = self.pixels()
        found = dict.fromkeys(COLOURS, 0)
        names = {bytes(colour): state for state, colour in COLOURS.items()}
        for start in range(0, len(pixels), 3):
            state = names.get(pixels[start : start + 3])
            if state is not None:
                found[state] += 1
        return found

    def middle(self, state: str) -> tuple[int, int]:
        """Where the (only) emblem of a state is."""
        pixels, colour = self.pixels(), bytes(COLOURS[state])
        width = 1000
        places = [
            divmod(start // 3, width)
            for start in range(0, len(pixels), 3)
            if pixels[start : start + 3] == colour
        ]
        rows, columns = sorted(y for y, _ in places), sorted(x for _, x in places)
        return columns[len(columns) // 2], rows[len(rows) // 2]

    def keep(self, name: str) -> None:
        folder = os.environ.get("SYNCIN_PICTURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._desktop.picture(Path(folder) / f"{name}.png")


@pytest.mark.parametrize("manager", WITH_EMBLEMS)
def test_each_state_has_its_emblem_and_a_change_is_seen_in_two_seconds(
    desktop: Desktop, manager: str
):
    desktop.install()
    desktop.mount()
    process = opened(desktop, manager, desktop.drive)
    screen = Screen(desktop)
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
    screen = Screen(desktop)
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
    """The context menu of `refused.txt`: chosen by its first letters, as a user does."""
    if manager in WITH_EMBLEMS:
        x, y = screen.middle("problem")
        away = {"nautilus": (-50, 40), "nemo": (-20, -8), "caja": (-18, 22)}[manager]
        desktop.xdotool("mousemove", str(x + away[0]), str(y + away[1]), "click", "3")
    else:
        x, y = {"thunar": (650, 265), "dolphin": (498, 360)}[manager]
        desktop.xdotool("mousemove", str(x), str(y), "click", "3")
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
    screen = Screen(desktop)
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
    """CPU seconds that the process has used when it does nothing any more."""
    last, quiet = cpu_seconds(pid), 0
    wait_for = time.monotonic() + 120
    while quiet < 6 and time.monotonic() < wait_for:
        time.sleep(0.5)
        now = cpu_seconds(pid)
        quiet = quiet + 1 if now - last < 0.03 else 0
        last = now
    return last


@pytest.mark.parametrize("manager", WITH_EMBLEMS)
def test_ten_thousand_files_open_about_as_fast_as_without(desktop: Desktop, manager: str):
    desktop.mount(many=10_000)
    many = desktop.drive / "many"
    times: dict[bool, list[float]] = {True: [], False: []}
    for installed in (False, True, False, True):
        desktop.uninstall()
        if installed:
            desktop.install()
        process = opened(desktop, manager, many)
        times[installed].append(until_at_rest(process.pid))
        if installed:
            Screen(desktop).keep(f"{manager}-many")
        process.terminate()
        process.wait(20)
    ratio = min(times[True]) / min(times[False])
    print(f"{manager}: CPU seconds with {times[True]}, without {times[False]}: {ratio:.2f}")
    assert ratio < 1.5


def test_a_bookmark_comes_and_goes_with_the_drive(desktop: Desktop):
    desktop.mount()
    assert desktop.bookmarks.read_text() == f"{desktop.drive.as_uri()} docs\n"
    desktop.run("umount", "--force", "docs")
    elsewhere = desktop.home / "Elsewhere"
    desktop.run("edit", "docs", "--mountpoint", str(elsewhere))
    assert desktop.bookmarks.read_text() == f"{elsewhere.as_uri()} docs\n"
    desktop.run("remove", "docs", "--yes", "--discard-unsent")
    assert desktop.bookmarks.read_text() == ""
