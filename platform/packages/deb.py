"""``./dev package deb``: a package for the Debian or Ubuntu that this runs on.

``deb.py FOLDER`` writes it to FOLDER, with the system's own Python, which the package is for. One
commit makes the same bytes again on the same release. docs/internals/packages.md describes what is
in it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import sys
import tempfile
import textwrap
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import environment as packages
from archives import ROOT, commit_time
from archives import version as version_of_sources
from licences import licences

NAME = "syncin-mount"
HOME = Path("usr/lib/syncin-mount")
SOURCES = ROOT / "platform" / "linux" / "debian"
SCRIPTS = ("postinst", "prerm", "postrm")

FILE_MANAGERS = (
    "python3-nautilus",
    "nemo-python",
    "python3-caja",
    "thunarx-python",
    "gir1.2-thunarx-3.0",
)
"""The bindings that the file managers' extensions need. Suggested, not recommended: apt would bring
a file manager to every server."""

SUMMARY = "Sync-in folder as a drive that works offline"
DESCRIPTION = """\
Sync-in hosts files on a server of one's own. syncin-mount mounts a folder of that server as a
drive, with a complete local copy behind it. Programs open, save, move and delete as on a local
disk; changes travel both ways by themselves, and wait where there is no network.

When both sides changed a file, one version becomes the file and the other goes to a trash. A
listing that breaks off deletes nothing, and a mass deletion asks first.

There are commands, a page in the browser and an icon in the desktop's tray. The Python packages
that the program needs are inside.
"""


def release() -> str:
    """Return what tells this release from others, and sorts as they do: ``deb12``,
    ``ubuntu24.04``. Raises KeyError where nobody says."""
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    told = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    name = "deb" if told["ID"] == "debian" else told["ID"]
    return f"{name}{told['VERSION_ID']}"


def version(root: Path, seconds: int) -> str:
    """Return the package's version, of the release that this runs on."""
    return f"{version_of_sources(root, seconds)}-1~{release()}"


def build(folder: Path, root: Path = ROOT) -> Path:
    """Build the package into ``folder``, and return its path."""
    seconds = int(commit_time(root))
    os.environ["SOURCE_DATE_EPOCH"] = str(seconds)
    os.umask(0o022)
    full = version(root, seconds)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="syncin-mount-deb-") as place:
        base = Path(place)
        os.chdir(base)
        tree = base / "tree"
        target = tree / HOME / "packages"
        shutil.move(packages.assemble(root, base, target), tree / "usr" / "share")
        packages.say("adding what belongs to the system")
        _environment(tree)
        _file_managers(target, tree / "usr" / "share")
        _system_files(root, tree, full, seconds)
        _control(tree, full, _libraries(base, target))
        made = folder / f"{NAME}_{full}_{_architecture()}.deb"
        packages.say("packing")
        _pack(tree, made, seconds)
    return made


def _architecture() -> str:
    return packages.run("dpkg", "--print-architecture").strip()


def _environment(tree: Path) -> None:
    """What makes the folder an environment for Python: each process takes the copy of the packages
    that is current when it starts, by its real path."""
    home = tree / HOME
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (home / "bin").mkdir()
    (home / "bin" / "python").symlink_to(f"/usr/bin/{minor}")
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {minor[6:]}\n"
    )
    site = home / "lib" / minor / "site-packages"
    site.mkdir(parents=True)
    (site / "current.pth").write_text(
        f"import os, sys; sys.path.append(os.path.realpath('/{HOME}/current'))\n"
    )


def _file_managers(target: Path, share: Path) -> None:
    """What Nautilus, Nemo, Caja, Thunar and Dolphin load, as the packed program writes it. The
    desktop entry and the application's icon are in ``share`` already."""
    write = (
        "import sys; from pathlib import Path;"
        "from syncin_mount.app.support.desktop_files import PACKAGED, install;"
        "install(Path(sys.argv[1]), PACKAGED, entry=False)"
    )
    packages.run(sys.executable, "-B", "-c", write, share, PYTHONPATH=str(target))


def _system_files(root: Path, tree: Path, full: str, seconds: int) -> None:
    program = tree / "usr" / "bin" / NAME
    program.parent.mkdir()
    shutil.copy(SOURCES / NAME, program)
    program.chmod(0o755)
    share = tree / "usr" / "share"
    shutil.move(share / "zsh" / "site-functions", share / "zsh" / "vendor-completions")
    for page in (share / "man" / "man1").iterdir():
        _zipped(page)
    documents = share / "doc" / NAME
    documents.mkdir(parents=True)
    packed = licences(root, tree / HOME / "packages", f"/{HOME}/packages")
    (documents / "copyright").write_text(packed, encoding="utf-8")
    shutil.copy(root / "CHANGELOG.md", documents / "changelog")
    date = format_datetime(datetime.fromtimestamp(seconds, UTC))
    (documents / "changelog.Debian").write_text(
        f"{NAME} ({full}) unstable; urgency=medium\n\n  * Packaged as it is upstream.\n\n"
        f" -- {_maintainer()}  {date}\n"
    )
    for name in ("changelog", "changelog.Debian"):
        _zipped(documents / name)
    unit = tree / "usr" / "lib" / "systemd" / "user" / f"{NAME}.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(_unit(root))
    overrides = share / "lintian" / "overrides"
    overrides.mkdir(parents=True)
    shutil.copy(SOURCES / "lintian-overrides", overrides / NAME)


def _unit(root: Path) -> str:
    sys.path.insert(0, str(root))
    from syncin_mount.autostart import shipped_unit  # noqa: PLC0415 (of the sources that are packed)

    return shipped_unit(f"/{HOME}/bin/python")


def _zipped(path: Path) -> None:
    with gzip.GzipFile(f"{path}.gz", "wb", compresslevel=9, mtime=0) as file:
        file.write(path.read_bytes())
    path.unlink()


def _libraries(base: Path, target: Path) -> str:
    """Return what the compiled modules depend on, as Debian's own tool finds it."""
    (base / "debian").mkdir()
    (base / "debian" / "control").write_text(
        f"Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n"
    )
    private = sorted({f"-l{path.parent}" for path in packages.compiled(target)})
    files = [f"-e{path}" for path in packages.compiled(target)]
    said = packages.run("dpkg-shlibdeps", "-O", "--warnings=0", *private, *files)
    [line] = [line for line in said.splitlines() if line.startswith("shlibs:Depends=")]
    return line.partition("=")[2]


def _maintainer() -> str:
    name = os.environ.get("DEBFULLNAME", "The syncin-mount maintainers")
    return f"{name} <{os.environ.get('DEBEMAIL', 'maintainers@syncin-mount.invalid')}>"


def _control(tree: Path, full: str, libraries: str) -> None:
    major, minor = sys.version_info[:2]
    python = f"python3 (>= {major}.{minor}~), python3 (<< {major}.{minor + 1})"
    files = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(-(-path.stat().st_size // 1024) for path in files)
    described = "\n .\n".join(
        textwrap.fill(part, 78, initial_indent=" ", subsequent_indent=" ")
        for part in DESCRIPTION.strip().split("\n\n")
    )
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(f"""\
Package: {NAME}
Version: {full}
Section: net
Priority: optional
Architecture: {_architecture()}
Maintainer: {_maintainer()}
Installed-Size: {size}
Depends: {python}, fuse3, {libraries}
Recommends: xdg-utils, dbus-user-session
Suggests: gnome-keyring | kwalletmanager, {", ".join(FILE_MANAGERS)}
Description: {SUMMARY}
{described}
""")
    sums = "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"
        f"  {path.relative_to(tree)}\n"
        for path in sorted(files)
    )
    (control / "md5sums").write_text(sums)
    for name in SCRIPTS:
        text = (SOURCES / name).read_text(encoding="utf-8").replace("@VERSION@", full)
        (control / name).write_text(text, encoding="utf-8")
        (control / name).chmod(0o755)


def _pack(tree: Path, made: Path, seconds: int) -> None:
    for path in [tree, *tree.rglob("*")]:
        if path.is_symlink():
            continue
        if path.is_dir():
            path.chmod(0o755)
        elif path.parent.name != "DEBIAN" and path.parent != tree / "usr" / "bin":
            path.chmod(0o644)
        os.utime(path, (seconds, seconds))
    beside = made.with_name(f".{made.name}.new")
    packages.run(
        *("dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zxz"),
        *("--build", tree, beside),
    )
    beside.replace(made)


def main(words: list[str]) -> int:
    """Build into the folder that is named, and print the checksum."""
    made = build(Path(words[0]).absolute())
    print(f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made}")
    print(f"{made.stat().st_size / 1e6:.1f} MB; install it with: sudo apt install {made}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
