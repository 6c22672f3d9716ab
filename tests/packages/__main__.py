"""`./dev soak packages`: what users install, on a new system of each release.

In a root that debootstrap makes: the package is built (twice, to the same bytes), installed by apt
beside nothing else, and works for an ordinary user with a real mount; an upgrade leaves a mounted
drive alone; a removal leaves nothing running and nothing mounted; a purge leaves what is the
user's. The archive with its own Python is built on the oldest release, and tried on each. A release
that no mirror has here is told, and left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.packages import archive_in_roots
from tests.packages.roots import (
    NICE,
    ROOT,
    USER,
    NotToBeHad,
    Root,
    cloned,
    entered,
    hold,
    make,
    say,
    self_checked,
)

RELEASES = ("bookworm", "trixie", "noble")
FORMER = "0.0.9"
"""The version that is upgraded; its sources are today's, with a number of their own."""

DISK = os.environ.get("TMPDIR", "/var/tmp")
"""Where roots lie: in memory they would take a gigabyte."""

MAX_BYTES = 12_000_000

DRIVE = f"/home/{USER}/Drive"
START_A_DRIVE = """
printf 'user1:a secret\\n' >users
chmod 600 users
mkdir server
setsid syncin-mount serve --root server --users-file users --ready-file ready >serve.log 2>&1 &
echo $! >server.pid
for _ in $(seq 300); do [ ! -e ready ] || break; sleep 0.1; done
printf 'a secret' | syncin-mount server add home "$(cat ready)" --login user1 --password-stdin
syncin-mount remote mkdir personal/Docs --server home
syncin-mount add docs --server home --remote personal/Docs --mountpoint Drive
syncin-mount up
echo 'before the upgrade' >Drive/before.txt
syncin-mount sync --wait docs
"""


# --- building -------------------------------------------------------------------------------------


def built(root: Root, folder: Path) -> None:
    """Build the package in a root with what it needs, and put a former one and this into the
    folder."""
    source = cloned(root)
    root.run("/src/dev", "package", "deb", timeout=1800)
    [now] = (source / "dist").glob("*.deb")
    first = now.read_bytes()
    now.unlink()
    began = time.monotonic()
    root.run("/src/dev", "package", "deb", timeout=1800)
    say(f"built in {time.monotonic() - began:.0f} s beside other work, {len(first) / 1e6:.1f} MB")
    hold(now.read_bytes() == first, "two builds have the same bytes")
    hold(len(first) < MAX_BYTES, f"it has less than {MAX_BYTES / 1e6:.0f} MB")
    root.run("env", f"PACKAGE_VERSION={FORMER}", "/src/dev", "package", "deb", timeout=1800)
    [former] = set((source / "dist").glob("*.deb")) - {now}
    for file in (former, now):
        shutil.copy(file, folder)


def checked_by_lintian(package: Path) -> None:
    if shutil.which("lintian") is None:
        say("SKIPPED: lintian is not installed here")
        return
    done = subprocess.run(
        [*NICE, "lintian", "--fail-on", "error", "--allow-root", package],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    errors = [line for line in done.stdout.splitlines() if line.startswith("E:")]
    hold(done.returncode == 0 and not errors, "; ".join(["lintian finds no error", *errors]))


# --- the life of an installation ------------------------------------------------------------------


def installed(root: Root, package: Path) -> None:
    """As a user does it: apt resolves what it depends on."""
    shutil.copy(package, root.folder / "tmp")
    root.run(
        *("apt-get", "-qq", "-y", "install", "--no-install-recommends"), f"/tmp/{package.name}"
    )


def what_is_there(root: Root) -> None:
    version = root.run("syncin-mount", "--version", user=USER).stdout
    hold("syncin-mount, version" in version, "an ordinary user can start it")
    for file in (
        "/usr/share/man/man1/syncin-mount.1.gz",
        "/usr/share/man/man1/syncin-mount-add.1.gz",
        "/usr/share/bash-completion/completions/syncin-mount",
        "/usr/share/zsh/vendor-completions/_syncin-mount",
        "/usr/share/fish/vendor_completions.d/syncin-mount.fish",
        "/usr/share/applications/syncin-mount.desktop",
        "/usr/share/icons/hicolor/scalable/apps/syncin-mount.svg",
        "/usr/share/icons/hicolor/scalable/emblems/emblem-syncin-waiting.svg",
        "/usr/share/syncin-mount/filemanager/syncin_filemanager/extension.py",
        "/usr/share/nautilus-python/extensions/syncin_mount_files.py",
        "/usr/share/kio/servicemenus/syncin-mount.desktop",
        "/usr/share/metainfo/org.syncin_mount.syncin_mount.metainfo.xml",
        "/usr/lib/systemd/user/syncin-mount.service",
        "/usr/share/doc/syncin-mount/copyright",
    ):
        # A minimal image leaves manual pages out; the package has them.
        listed = root.run("dpkg", "-L", "syncin-mount").stdout
        assert file in listed.splitlines(), file
    say("manual pages, completions, unit, entry, icons, description and licences are there")
    strange = root.shell(
        "mkdir -p strange/reconciler && echo 'raise SystemExit(7)' >strange/reconciler/__init__.py;"
        "cp strange/reconciler/__init__.py strange/click.py;"
        "cd strange && PYTHONPATH=$PWD syncin-mount status 2>&1 || echo status $?",
        user=USER,
    )
    hold("status 7" not in strange, "neither the current folder nor PYTHONPATH gets in")


def upgraded(root: Root, package: Path) -> None:
    root.shell(START_A_DRIVE, user=USER)
    hold(root.mounts() == [DRIVE], "a drive is mounted")
    before = root.processes("syncin_mount")
    # Somebody's program has a file open, and goes on writing.
    root.shell(
        f"exec 9>>{DRIVE}/open.txt; setsid bash -c 'for n in 1 2 3; do echo $n >&9; while [ ! -e"
        " go$n ]; do sleep 0.1; done; done; echo end >&9' >/dev/null 2>&1 & sleep 1",
        user=USER,
    )
    root.shell("touch go1", user=USER)
    installed(root, package)
    hold(root.processes("syncin_mount") == before, "the upgrade ends no process")
    hold(root.mounts() == [DRIVE], "the drive is still mounted")
    root.shell("touch go2 go3", user=USER)
    root.shell(f"until grep -q end {DRIVE}/open.txt; do sleep 0.1; done", user=USER)
    say("an open file goes on through the upgrade")
    former = root.shell("ls /usr/lib/syncin-mount/versions | grep -c . ")
    hold(former.strip() == "2", "the former version's modules are kept for it")
    # The new commands speak with the former drive, which loads what it has not loaded yet.
    root.shell(
        f"echo 'after it' >{DRIVE}/after.txt; syncin-mount sync --wait docs; syncin-mount status",
        user=USER,
    )
    there = root.shell("cat server/users/user1/files/Docs/after.txt", user=USER)
    hold(there == "after it\n", "it goes on sending")
    root.shell("syncin-mount down && syncin-mount up", user=USER)
    hold(root.mounts() == [DRIVE], "'down' and 'up' mount it again, by the new version")
    root.shell("kill $(cat server.pid)", user=USER)  # of the former version, too
    root.run("apt-get", "-qq", "-y", "reinstall", f"/tmp/{package.name}")
    kept = root.shell("ls /usr/lib/syncin-mount/versions")
    hold(FORMER not in kept, "the former version goes when nobody runs it any more")


def removed(root: Root) -> None:
    root.shell(f"cd {DRIVE}; setsid sleep 1000 >/dev/null 2>&1 &", user=USER)  # somebody is in it
    root.run("apt-get", "-qq", "-y", "remove", "syncin-mount")
    hold(root.mounts() == [], "a removal unmounts everything")
    hold(root.processes("syncin") == [], "and leaves nothing running")
    left = root.shell("ls -d /usr/lib/syncin-mount /usr/bin/syncin-mount 2>&1 || true")
    hold(left.count("No such file") == 2, "no file of the program is left")
    root.run("apt-get", "-qq", "-y", "purge", "syncin-mount")
    kept = root.shell(
        "ls .config/syncin-mount/config.toml .local/state/syncin-mount/replicas/docs | head -1;"
        " grep -rl 'after it' .local/state/syncin-mount/replicas | head -1",
        user=USER,
    )
    hold(len(kept.splitlines()) == 2, "a purge leaves the user's settings and local copies")


def by_pipx(root: Root, work: Path) -> None:
    """The wheel, as the README has it: what must be there, and then the user's own command."""
    archives = ROOT / "platform" / "packages" / "archives.py"
    subprocess.run([sys.executable, archives, work / "dist"], check=True, capture_output=True)
    [wheel] = (work / "dist").glob("*.whl")
    shutil.copy(wheel, root.folder / "tmp")
    needs = ("pipx", "fuse3", "libfuse3-dev", "pkg-config", "gcc", "python3-dev")
    root.run("apt-get", "-qq", "-y", "install", "--no-install-recommends", *needs)
    root.run("pipx", "install", f"/tmp/{wheel.name}[demo]", user=USER, timeout=1800)
    said = root.shell("cd /; ~/.local/bin/syncin-mount doctor", user=USER)
    hold("ok     pyfuse3" in said, "pipx installs the wheel for an ordinary user")


def as_package(release: str, roots: Path, kept: Path, work: Path) -> None:
    """The package for Debian, from its building to its purge."""
    template = roots / release
    packages = kept / release
    packages.mkdir(parents=True, exist_ok=True)
    if len(list(packages.glob("*.deb"))) != 2:
        with entered(template, work / "building") as root:
            built(root, packages)
    former, now = sorted(packages.glob("*.deb"), key=lambda path: FORMER not in path.name)
    checked_by_lintian(now)
    with entered(template, work / "using") as root:
        root.run("apt-get", "-qq", "update")
        installed(root, former)
        what_is_there(root)
        self_checked(root)
        upgraded(root, now)
        removed(root)


def as_wheel(release: str, roots: Path, _kept: Path, work: Path) -> None:
    """The wheel, with pipx."""
    with entered(roots / release, work / "pipx") as root:
        root.run("apt-get", "-qq", "update")
        by_pipx(root, work)


def as_archive(release: str, roots: Path, kept: Path, work: Path) -> None:
    """The archive that the oldest release builds."""
    archive = archive_in_roots.built(RELEASES[0], roots, kept, work)
    with entered(roots / release, work / "archive") as root:
        archive_in_roots.used(root, archive)


KINDS = {"deb": as_package, "wheel": as_wheel, "archive": as_archive}
"""Each takes a release, and two folders with what an earlier run left: roots, and what is built of
each release. They raise NotToBeHad, AssertionError."""


def main() -> int:
    """Return 0 when no release failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.packages", description=__doc__)
    parser.add_argument("releases", nargs="*", default=list(RELEASES), help="default: all")
    parser.add_argument(
        "--roots", type=Path, help="keep the roots that debootstrap makes in this folder"
    )
    parser.add_argument(
        "--packages", type=Path, help="keep the packages in this folder, and take those in it"
    )
    parser.add_argument("--only", choices=KINDS, help="of the three kinds of package, this one")
    asked = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        print("SKIPPED: this needs root and debootstrap", file=sys.stderr)
        return 1
    failed = []
    with tempfile.TemporaryDirectory(prefix="syncin-mount-roots-", dir=DISK) as place:
        roots = asked.roots or Path(place)
        roots.mkdir(parents=True, exist_ok=True)
        for release in asked.releases:
            print(f"== {release}", flush=True)
            work = Path(place) / f"work-{release}"
            work.mkdir()
            try:
                make(release, roots / release)
                for kind in [asked.only] if asked.only else KINDS:
                    KINDS[kind](release, roots, asked.packages or work / "packages", work)
            except NotToBeHad as why:
                say(f"SKIPPED: {release} cannot be had here ({why})")
            except AssertionError as why:
                say(f"FAILED: {why}")
                failed.append(release)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
