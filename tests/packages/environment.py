"""An environment outside of the checkout, as who installs the wheel has it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own; programs run in ``base``, away from the checkout."""

    base: Path

    @property
    def prefix(self) -> Path:
        return self.base / "environment"

    @property
    def packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.prefix / "lib" / version / "site-packages"

    def run(self, *words: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment: ``python``, ``syncin-mount``."""
        command = [self.prefix / "bin" / words[0], *words[1:]]
        home = {"HOME": str(self.base), "SYNCIN_MOUNT_HOME": str(self.base / "home")}
        kept = {key: os.environ[key] for key in ("PATH", "LC_ALL", "TMPDIR") if key in os.environ}
        return subprocess.run(
            command,
            cwd=self.base,
            env=kept | home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )


def install(wheel: Path, base: Path) -> Installed:
    """Install the wheel alone into a new environment below ``base``. What it depends on is the
    checkout's, which is not compiled anew for that; the line for it does not make Python read the
    checkout's own .pth files, which lead to the sources."""
    made = Installed(base)
    venv.create(made.prefix, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(made.prefix / "bin" / "python")]
    subprocess.run(
        [*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (made.packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return made
