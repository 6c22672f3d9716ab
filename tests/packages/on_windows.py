"""`./dev soak installer`: what users of Windows install, under Wine.

The zip and the installer are built twice, to the same bytes. The installer runs silently in a new
prefix, into a folder whose name has a blank; the program works from there, and from the zip,
unpacked. A newer installation takes the place of the first; none begins while the program runs. The
uninstaller removes what was installed, and leaves settings and what somebody put beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.packages.roots import hold, say
from tests.wine import prefix
from tests.wine.places import HERE, ROOT, inside

NAME = "syncin-mount"
PLACE = "C:\\some where\\Sync in"
WHERE = f"/D={PLACE}".split(" ")
"""Words of their own: the installer takes the rest of its line, and knows no quotes."""
UNDER_WINE = HERE / "under_wine"
LISTED = f"HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{NAME}"
PATIENCE_S = 600
MAX_BYTES = 40_000_000


def built() -> tuple[Path, Path]:
    """Build the zip and the installer twice, and return both."""
    told: list[list[bytes]] = []
    files: list[Path] = []
    for _ in range(2):
        for old in (ROOT / "dist").glob(f"{NAME}-*-windows-*"):
            old.unlink()
        began = time.monotonic()
        subprocess.run(
            [ROOT / "dev", "package", "windows"], stdin=subprocess.DEVNULL, check=True, cwd=ROOT
        )
        files = sorted((ROOT / "dist").glob(f"{NAME}-*-windows-*"), key=lambda path: path.suffix)
        told.append([path.read_bytes() for path in files])
        sizes = ", ".join(f"{path.suffix} {path.stat().st_size / 1e6:.1f} MB" for path in files)
        say(f"built in {time.monotonic() - began:.0f} s beside other work: {sizes}")
    hold(told[0] == told[1], "two builds have the same bytes")
    hold(max(map(len, told[0])) < MAX_BYTES, f"each has less than {MAX_BYTES / 1e6:.0f} MB")
    installer, zipped = files
    return zipped, installer


class Computer:
    """A Wine prefix of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._variables = prefix.environment(folder)
        # Where the program is installed its folder is all that it needs.
        for name in ("PYTHONPATH", "PYTHONHOME"):
            self._variables.pop(name, None)
        prefix.make(folder)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program; the console is a pipe, since Wine's Python can write to no file."""
        return subprocess.Popen(
            ["wine", *words],
            cwd=self.folder,
            env=self._variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Run a program to its end, and return its status and what it says."""
        with self.start(*words) as process:
            said, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, said.decode(errors="replace").replace("\r\n", "\n")

    def wait(self) -> None:
        """Return when nothing runs any more."""
        subprocess.run(
            ["wineserver", "--wait"], env=self._variables, check=True, timeout=PATIENCE_S
        )

    def path(self, name: str) -> Path:
        """The path of a file on drive C, as Linux says it."""
        return self.folder / "drive_c" / name.removeprefix("C:\\").replace("\\", "/")

    def registered(self, key: str, value: str) -> str:
        """What the registry says; nothing where it has no such value."""
        status, said = self.run("reg", "query", key, "/v", value)
        return said if status == 0 else ""

    def menu(self) -> list[str]:
        """The names of ours in the start menu."""
        top = self.folder / "drive_c" / "users"
        return sorted(path.name for path in top.rglob("Start Menu/**/*.lnk") if NAME in path.name)

    def end(self) -> None:
        """End all that runs here."""
        prefix.end(self._variables)


@contextlib.contextmanager
def able_to_wait(home: Path) -> Iterator[None]:
    """Whatever has an event loop needs what Wine lacks (tests/wine/under_wine), which this Python
    finds only where the file beside it says so."""
    [search] = (home / "python").glob("python*._pth")
    told = search.read_bytes()
    search.write_bytes(told + f"{inside(UNDER_WINE)}\r\nimport site\r\n".encode())
    yield
    search.write_bytes(told)


def try_program(computer: Computer, program: str) -> None:
    """See the program work."""
    status, said = computer.run(program, "version")
    hold(status == 0 and "0.1.0" in said and "3.13" in said, f"version says it ({said!r})")
    status, said = computer.run(program, "--help")
    hold(status == 0 and "doctor" in said, "--help lists the commands")
    with able_to_wait(computer.path(program).parent):
        status, said = computer.run(program, "doctor")
    hold(status in (0, 1) and len(said.splitlines()) > 3, f"doctor looks at it all:\n{said}")
    status, said = computer.run(program, "list", "two words")
    hold(status == 2 and "two words" in said, "arguments with blanks arrive")


def try_installer(computer: Computer, installer: Path, zipped: Path) -> None:
    """Install, install again, and uninstall."""
    home = computer.path(PLACE)
    status, said = computer.run(str(installer), "/S", *WHERE)
    hold(status == 0, f"it installs silently ({status}, {said})")
    with zipfile.ZipFile(zipped) as packed:
        names = {name.partition("/")[2] for name in packed.namelist()}
    there = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    other = sorted(there ^ names ^ {"uninstall.exe"})
    hold(not other, f"what is in the zip is installed, and nothing else ({other})")
    hold(PLACE in computer.registered(LISTED, "InstallLocation"), "Windows lists it")
    hold(PLACE in computer.registered("HKCU\\Environment", "Path"), "it is on the user's path")
    hold(computer.menu() == [f"{NAME}.lnk"], "it is in the start menu")
    program = f"{PLACE}\\{NAME}.exe"
    try_program(computer, program)

    settings = computer.path("C:\\settings")
    settings.mkdir()
    (settings / "config.toml").write_text("# mine\n")
    (home / "python" / "mine.txt").write_text("mine")
    running = computer.start(
        f"{PLACE}\\python\\python.exe", "-c", "print('runs', flush=True); input()"
    )
    assert running.stdout is not None
    hold(running.stdout.readline().startswith(b"runs"), "its Python runs")
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    status, _ = computer.run(str(installer), "/S", *WHERE)
    hold(status == 2, f"nothing is installed while it runs ({status})")
    hold(before == {path: path.stat().st_mtime_ns for path in home.rglob("*")}, "nothing changed")
    running.communicate(b"\n", timeout=PATIENCE_S)

    status, _ = computer.run(str(installer), "/S", *WHERE)
    hold(status == 0, f"a newer one takes its place ({status})")
    path = computer.registered("HKCU\\Environment", "Path")
    hold(path.count(PLACE) == 1, "it is on the path once")
    try_program(computer, program)

    status, _ = computer.run(f"{PLACE}\\uninstall.exe", "/S")
    computer.wait()  # it goes on as a copy of itself, so that its own file can go
    hold(status == 0, f"it uninstalls silently ({status})")
    left = [path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()]
    hold(left == ["python/mine.txt"], f"what is somebody's own stays, and nothing else ({left})")
    hold((settings / "config.toml").read_text() == "# mine\n", "settings stay")
    hold(computer.menu() == [], "it is out of the start menu")
    hold(not computer.registered(LISTED, "DisplayName"), "Windows lists it no more")
    hold(PLACE not in computer.registered("HKCU\\Environment", "Path"), "it is off the path")


def main() -> int:
    """Return 0 when all of it held."""
    parser = argparse.ArgumentParser(prog="./dev soak installer", description=__doc__)
    parser.add_argument("--packages", type=Path, help="a folder with both, instead of building")
    asked = parser.parse_args()
    if asked.packages is None:
        zipped, installer = built()
    else:
        [zipped], [installer] = asked.packages.glob("*.zip"), asked.packages.glob("*-setup.exe")
    with tempfile.TemporaryDirectory(prefix="syncin-windows-", dir="/var/tmp") as place:
        computer = Computer(Path(place) / "prefix")
        try:
            try_installer(computer, installer.absolute(), zipped)
            with zipfile.ZipFile(zipped) as packed:
                packed.extractall(computer.path("C:\\unpacked"))
            [home] = computer.path("C:\\unpacked").iterdir()
            try_program(computer, f"C:\\unpacked\\{home.name}\\{NAME}.exe")
        finally:
            computer.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
