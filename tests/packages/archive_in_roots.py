"""The archive with its own Python, on systems that it was not built on: built on the oldest
release, used on others, and in a root that has glibc, a shell, and nothing else."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tests.packages.roots import USER, Root, cloned, entered, hold, make, say, self_checked

MAX_BYTES = 30_000_000
UNIT = "/usr/local/lib/systemd/user/syncin-mount.service"

BARE = """
mkdir -p /bare/bin /bare/dev /bare/proc /bare/tmp /bare/opt
# A program's own place, beside which it looks for libraries, is told by /proc/self/exe.
mount -t proc proc /bare/proc
cp /bin/busybox /bare/bin
for name in sh readlink uname; do ln -s busybox /bare/bin/$name; done
for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    [ -e $loader ] || continue
    mkdir -p /bare$(dirname $loader)
    cp -L $loader /bare$loader
done
libraries=$(dirname $(ldd /bin/cat | awk '/libc.so.6/ { print $3 }'))
mkdir -p /bare$libraries
for name in libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 libresolv.so.2; do
    cp -L $libraries/$name /bare$libraries
done
cp -a /opt/syncin-mount-* /bare/opt/syncin-mount
mknod -m 666 /bare/dev/null c 1 3
"""
"""A system of glibc and busybox: no other library, no certificates, no locale, no users."""

EVERYTHING = (
    "import ssl, sqlite3, ctypes, lzma, bz2, pyfuse3, re2, lmdb, xxhash, msgspec, syncin_fuse,"
    " cryptography.x509, syncin_mount.cli; print('loaded')"
)


def built(release: str, roots: Path, kept: Path, work: Path) -> Path:
    """Return the archive that ``release`` builds: ``kept`` has it, or gets it. Raises NotToBeHad,
    AssertionError."""
    folder = kept / "archive"
    for file in folder.glob("*.tar.xz"):
        return file
    folder.mkdir(parents=True, exist_ok=True)
    make(release, roots / release)
    with entered(roots / release, work / "building-the-archive") as root:
        source = cloned(root)
        root.run("/src/dev", "package", "archive", timeout=1800)
        [made] = (source / "dist").glob("*.tar.xz")
        first = made.read_bytes()
        made.unlink()
        began = time.monotonic()
        # Another folder for what is made on the way, and another user's habits.
        root.run("mkdir", "/var/tmp/other")
        other = ("TMPDIR=/var/tmp/other", "TZ=Asia/Tokyo", "PYTHONHASHSEED=7")
        root.run("env", *other, "/src/dev", "package", "archive", timeout=1800)
        say(f"the archive is built in {time.monotonic() - began:.0f} s beside other work")
        hold(made.read_bytes() == first, "two builds of the archive have the same bytes")
        hold(len(first) < MAX_BYTES, f"{len(first) / 1e6:.1f} MB are less than {MAX_BYTES / 1e6}")
        return Path(shutil.copy(made, folder))


def used(root: Root, archive: Path) -> None:
    """As root for all users, and then as one user. Raises AssertionError."""
    root.run("apt-get", "-qq", "update")
    needs = ("fuse3", "xz-utils", "busybox-static")
    root.run("apt-get", "-qq", "-y", "install", "--no-install-recommends", *needs)
    none = root.run("sh", "-c", "command -v python3", must=False)
    hold(none.returncode != 0, "this system has no Python")
    shutil.copy(archive, root.folder / "tmp" / "archive.tar.xz")
    before = root.shell("find /usr/local | sort")
    root.shell("tar -xf /tmp/archive.tar.xz -C /opt; /opt/syncin-mount-*/install.sh")
    version = root.run("syncin-mount", "version", user=USER).stdout
    hold("from the archive with a Python of its own: /opt" in version, "every user can start it")
    hold((root.folder / UNIT.lstrip("/")).is_file(), "systemd has a unit for every user")
    self_checked(root)
    root.shell("/opt/syncin-mount-*/install.sh --uninstall")
    hold(root.shell("find /usr/local | sort") == before, "--uninstall leaves nothing")
    own = root.shell(
        "mkdir Apps; tar -xf /tmp/archive.tar.xz -C Apps;"
        " there() { find . -path ./Apps -prune -o -print | sort; }; before=$(there);"
        " Apps/syncin-mount-*/install.sh; .local/bin/syncin-mount --version;"
        ' Apps/syncin-mount-*/install.sh --uninstall; [ "$(there)" = "$before" ];'
        " echo 'the same'",
        user=USER,
    )
    hold("syncin-mount, version" in own, "a user installs it in the own home")
    hold(own.endswith("the same\n"), "and takes it away again")
    alone(root)


def alone(root: Root) -> None:
    """What it needs beside glibc and a shell: nothing. Raises AssertionError."""
    root.shell(BARE)
    inside = ("chroot", "/bare", "/bin/busybox", "env", "-i")
    said = root.run(*inside, "/opt/syncin-mount/bin/syncin-mount", "--version").stdout
    hold("syncin-mount, version" in said, "it starts where only glibc and busybox are")
    python = "/opt/syncin-mount/python/bin/python3"
    said = root.run(*inside, python, "-I", "-c", EVERYTHING).stdout
    hold(said == "loaded\n", "and loads every compiled module there")
