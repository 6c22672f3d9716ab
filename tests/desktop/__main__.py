"""`./dev soak desktop`: the real file managers, and a real panel with the tray icon, on a screen of
their own, with what they show.

It installs their packages where that is possible; they are too many for CI.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "nautilus": "nautilus",
    "nemo": "nemo",
    "caja": "caja",
    "thunar": "thunar",
    "dolphin": "dolphin",
    "xfce4-panel": "xfce4-panel",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "openbox": "openbox",
    "convert": "imagemagick",
    "xsetroot": "x11-xserver-utils",
    "dbus-daemon": "dbus",
}
BINDINGS = (
    *("python3-nautilus", "nemo-python", "python3-caja", "thunarx-python"),
    *("gir1.2-thunarx-3.0", "adwaita-icon-theme", "librsvg2-common", "fonts-dejavu-core"),
)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="./dev soak desktop", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often")
    parser.add_argument("--seed", type=int, help="taken, as all parts do; nothing is random here")
    rounds = parser.parse_args().rounds
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing:
        install = ["apt-get", "install", "-y", "--no-install-recommends", *missing, *BINDINGS]
        if os.getuid() != 0 or subprocess.run(install, check=False).returncode != 0:
            print(f"the file managers need packages; install them with: {' '.join(install)}")
            return 1
    tests = [
        str(Path(__file__).with_name(f"test_{each}.py")) for each in ("panel", "file_managers")
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"SYNCIN_DESKTOP": "1"}
    worst = 0
    for _ in range(rounds):
        worst |= subprocess.run(command, env=environment, check=False).returncode
    return worst


if __name__ == "__main__":
    sys.exit(main())
