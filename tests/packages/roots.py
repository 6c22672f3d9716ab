"""A root of another release, as it is after an installation, and processes in it.

It has processes, mounts and a host name of its own, and the network of this computer.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
USER = "ordinary"
NICE = ("nice", "-n", "10")

NEEDS = """
set -e
# The kernel's own file systems, which whatever starts a system mounts.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
# A root has only the oldest device files; udev makes this one where the module fuse is loaded.
[ -e /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229
# fusermount3 looks there for what is mounted; systemd makes this link.
ln -sfn ../proc/self/mounts /etc/mtab
# Services must not start while packages are installed: nothing runs here that could stop them.
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
id ordinary >/dev/null 2>&1 || useradd --create-home --shell /bin/bash ordinary
exec sleep infinity
"""
"""What a bare root lacks of a system that was started, each with its reason."""


class CommandFailed(AssertionError):
    """A command in a root ended with another status than 0; what it said is in it."""


@dataclass(frozen=True)
class Root:
    """A root with processes; ``pid`` is the first of them, seen from outside."""

    folder: Path
    pid: int

    def run(
        self,
        *words: str,
        user: str | None = None,
        timeout: float = 900,
        must: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root or as a user who has logged in. Raises CommandFailed."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-r", "-w"]
        home, name = ("/root", "root") if user is None else (f"/home/{user}", user)
        as_user = [] if user is None else ["setpriv", f"--reuid={user}", "--regid", user]
        if user is not None:
            as_user += ["--init-groups", "--"]
        environment = {
            "HOME": home,
            "USER": name,
            "LOGNAME": name,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        pairs = [f"{key}={value}" for key, value in environment.items()]
        done = subprocess.run(
            [*NICE, *enter, *as_user, "env", "-i", "-C", home, *pairs, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
        if must and done.returncode != 0:
            said = "\n".join(done.stdout.splitlines()[-40:])
            raise CommandFailed(f"{' '.join(words)} ended with {done.returncode}:\n{said}")
        return done

    def shell(self, script: str, *, user: str | None = None) -> str:
        """Run a script of a shell that ends at the first failure, and return what it printed."""
        return self.run("bash", "-euo", "pipefail", "-c", script, user=user).stdout

    def processes(self, word: str) -> list[str]:
        """Return the command lines that have ``word`` in them."""
        listed = self.shell(
            "for each in /proc/[0-9]*; do"
            " tr '\\0' ' ' <$each/cmdline || true; echo; done 2>/dev/null"
        )
        return [line for line in listed.splitlines() if word in line]

    def mounts(self) -> list[str]:
        """Return where something of FUSE is mounted."""
        lines = self.run("cat", "/proc/self/mounts").stdout.splitlines()
        return [line.split()[1] for line in lines if line.split()[2].startswith("fuse.")]


class NotToBeHad(Exception):
    """No mirror that this computer can reach has the release; what debootstrap said is in it."""


def make(release: str, folder: Path) -> None:
    """Install the release into the folder, unless it is there. Raises NotToBeHad."""
    done_mark = folder / ".complete"
    if done_mark.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run(
        [*NICE, "debootstrap", "--variant=minbase", "--include=ca-certificates", release, folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=1800,
    )
    if made.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise NotToBeHad("; ".join(made.stdout.strip().splitlines()[-2:]))
    done_mark.touch()


@contextlib.contextmanager
def entered(template: Path, folder: Path) -> Iterator[Root]:
    """A copy of a root with processes in it; everything ends and goes away with the block."""
    subprocess.run(["cp", "-a", "--reflink=auto", template, folder], check=True, timeout=600)
    _as_this_computer(folder)
    first = subprocess.Popen(
        [
            "unshare",
            "--mount",
            "--pid",
            "--uts",
            "--fork",
            "--kill-child",
            "--root",
            folder,
            "--",
            "bash",
            "-c",
            NEEDS,
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        yield Root(folder, _child_of(first.pid))
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
        shutil.rmtree(folder)


def _child_of(pid: int) -> int:
    """Return the first process of the new root, as soon as it has what it needs."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for _ in range(600):
        found = children.read_text().split()
        if found and Path(f"/proc/{found[0]}/comm").read_text() == "sleep\n":
            return int(found[0])
        time.sleep(0.05)  # asks again: another process
    raise AssertionError("the root has no first process after 30 s")


def _as_this_computer(folder: Path) -> None:
    """How this computer reaches mirrors and package indexes holds in the root, too."""
    for file in (
        "etc/resolv.conf",
        "etc/hosts",
        "etc/pip.conf",
        "etc/ssl/certs/ca-certificates.crt",
    ):
        if Path("/", file).exists():
            shutil.copy(Path("/", file), folder / file)


# --- what each kind of package is asked -----------------------------------------------------------


def say(text: str) -> None:
    print(f"   {text}", flush=True)


def hold(condition: bool, what: str) -> None:
    """Raises AssertionError when it does not."""
    if not condition:
        raise AssertionError(f"it does not hold that {what}")
    say(f"{what}")


def cloned(root: Root) -> Path:
    """Put this checkout's commit where `/src/dev` builds packages of it, and return that folder."""
    source = root.folder / "src"
    subprocess.run(["git", "clone", "-q", ROOT, source], check=True)
    root.run("apt-get", "-qq", "update")
    root.run("apt-get", "-qq", "-y", "install", "--no-install-recommends", "git")
    root.run("git", "config", "--global", "--add", "safe.directory", "/src")
    return source


def self_checked(root: Root) -> None:
    """The whole story of the demo, by an ordinary user."""
    began = time.monotonic()
    done = root.run("syncin-mount", "demo", "--self-check", user=USER, timeout=2400)
    hold("All of it held" in done.stdout, "the demo checks itself, with a real mount")
    say(f"{done.stdout.splitlines()[-1]} ({time.monotonic() - began:.0f} s)")
    hold(root.mounts() == [], "nothing is mounted after it")
