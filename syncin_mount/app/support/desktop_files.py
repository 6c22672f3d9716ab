"""What file managers and the desktop's menu read of this program: put into a ``share`` folder, the
user's own or a package's, and taken away again.

`FILES` names a file manager's part by where it lies below ``share``. Every file there is named
after the program, so none of anybody else's is touched.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from syncin_mount.config.files import write_atomic
from syncin_mount.filemanager import menu
from syncin_mount.language import ENGLISH, catalogues

SOURCES: Final = Path(__file__).resolve().parents[2] / "filemanager"
ICON: Final = SOURCES.parent / "web" / "static" / "icon.svg"

MODULES: Final = Path("syncin-mount/filemanager/syncin_filemanager")
"""The extension's own modules, which all file managers share."""

WRITTEN: Final = MODULES.parent / "written.json"
"""The checksums of what was written into the user's own folders, by path: what has another one is
somebody else's, or was changed."""

LOADER: Final = "syncin_mount_files.py"
"""What each file manager loads."""

SERVICE_MENU: Final = Path("kio/servicemenus/syncin-mount.desktop")
ENTRY: Final = Path("applications/syncin-mount.desktop")

PACKAGED: Final = ("/usr/bin/syncin-mount",)
"""What starts a program that a package installed."""

_FOLDERS: Final = ("nautilus", "nemo", "caja", "thunar")
_ICONS: Final = Path("icons/hicolor/scalable")
_APP_ICON: Final = _ICONS / "apps/syncin-mount.svg"


class Presence(enum.Enum):
    """Whether the files are there."""

    NONE = "none"
    OLD = "old"  # some are missing, or of another version
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class DesktopFile:
    """One, by its path below ``share``."""

    path: Path
    data: bytes
    executable: bool = False


def user_share(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's own ``share``."""
    set_to = Path(environment.get("XDG_DATA_HOME") or "")
    # A relative one is to be ignored (XDG Base Directory Specification).
    return set_to if set_to.is_absolute() else Path.home() / ".local" / "share"


def own_command() -> tuple[str, ...]:
    """What starts this very program."""
    return (sys.executable, "-m", "syncin_mount")


def files(command: Sequence[str], *, entry: bool = True) -> Iterator[DesktopFile]:
    """All of them; ``command`` starts the program. ``entry``: with the application's own icon and
    its entry in the desktop's menu."""
    for source in sorted(SOURCES.glob("*.py")):
        yield DesktopFile(MODULES / source.name, source.read_bytes())
    for manager in _FOLDERS:
        name = "thunarx" if manager == "thunar" else manager
        data = (SOURCES / "loaders" / f"{manager}.py").read_bytes()
        yield DesktopFile(Path(f"{name}-python/extensions/{LOADER}"), data)
    for source in sorted((SOURCES / "icons").glob("*.svg")):
        yield DesktopFile(_ICONS / "emblems" / source.name, source.read_bytes())
    # KDE wants the file to be executable: it starts something.
    yield DesktopFile(SERVICE_MENU, service_menu(command).encode(), executable=True)
    if entry:
        yield DesktopFile(_APP_ICON, ICON.read_bytes())
        yield DesktopFile(ENTRY, desktop_entry(command).encode())


class Placed(NamedTuple):
    """What was written, or taken away; and where files of somebody else are kept now."""

    paths: list[Path]
    kept: list[Path]


def install(share: Path, command: Sequence[str], *, entry: bool = True) -> Placed:
    """Puts them there; those of an older version are replaced, and what that had more goes. What
    this did not write, or somebody changed, is set aside. Without ``entry`` those two files are
    left as they are: a package has its own. Raises OSError."""
    wanted = list(files(command, entry=entry))
    data = {share / each.path: each.data for each in wanted}
    kept = _set_aside(share, data, apart=set() if entry else _apart(share))
    for path in _there(share):
        if path not in data and (entry or path not in _apart(share)):
            path.unlink(missing_ok=True)
    for each in wanted:
        path = share / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, each.data, mode=0o755 if each.executable else 0o644)
    if entry:  # a package's files are its own
        written = {str(each.path): _sum(each.data) for each in wanted}
        write_atomic(share / WRITTEN, msgspec.json.encode(written), mode=0o644)
    return Placed(sorted(data), kept)


def remove(share: Path) -> Placed:
    """Takes away what ``install`` put there; what somebody changed is set aside. Raises OSError."""
    kept = _set_aside(share, {}, apart=set())
    gone = list(_there(share))
    for path in (*gone, share / WRITTEN):
        path.unlink(missing_ok=True)
    modules = share / MODULES
    for folder in (modules / "__pycache__", modules, modules.parent, modules.parent.parent):
        _remove_if_empty(folder)
    return Placed(gone, kept)


def _set_aside(share: Path, wanted: Mapping[Path, bytes], apart: set[Path]) -> list[Path]:
    """Renames what lies at a place of ours and is not ours: neither as it was ``wanted``, nor as
    this wrote it before. The new names."""
    try:
        written = msgspec.json.decode((share / WRITTEN).read_bytes(), type=dict[str, str])
    except (FileNotFoundError, msgspec.MsgspecError):
        written = {}
    kept = []
    for path in sorted({*_there(share), *wanted} - apart):
        if path.suffix == ".pyc" or not path.is_file():
            continue
        data = path.read_bytes()
        if data == wanted.get(path) or written.get(str(path.relative_to(share))) == _sum(data):
            continue
        kept.append(_free_name(path))
        path.rename(kept[-1])
    return kept


def _free_name(path: Path) -> Path:
    found = (path.with_name(f"{path.name}.kept{number or ''}") for number in itertools.count())
    return next(each for each in found if not os.path.lexists(each))


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _apart(share: Path) -> set[Path]:
    """The entry and the icon, of which a package has its own."""
    return {share / ENTRY, share / _APP_ICON}


def presence(share: Path, command: Sequence[str]) -> Presence:
    """Whether they are there as this program would put them."""
    there = {path: path.read_bytes() for path in _there(share)}
    if not there:
        return Presence.NONE
    wanted = {share / each.path: each.data for each in files(command)}
    apart = _apart(share)
    if any(path not in wanted and path.suffix != ".pyc" for path in there):
        return Presence.OLD
    for path, data in wanted.items():
        if path in apart:
            continue
        if there.get(path) != data:
            return Presence.OLD
    return Presence.WHOLE


def found_share(environment: Mapping[str, str] = os.environ) -> tuple[Path, Presence]:
    """Where file managers find them first: in the user's own folders, or a package's."""
    own = user_share(environment)
    places = [(own, own_command())]
    system = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    places += [(Path(each), PACKAGED) for each in system.split(":") if each]
    for share, command in places:
        found = presence(share, command)
        if found is not Presence.NONE:
            return share, found
    return own, Presence.NONE


def _there(share: Path) -> Iterator[Path]:
    """All files that are ours, of any version."""
    for pattern in (
        f"{MODULES}/*.py",
        f"{MODULES}/__pycache__/*.pyc",
        f"*-python/extensions/{LOADER}",
        f"*-python/extensions/__pycache__/{Path(LOADER).stem}.*.pyc",
        f"{_ICONS}/emblems/emblem-syncin-*.svg",
        f"{_ICONS}/apps/syncin-mount.svg",
        str(SERVICE_MENU),
        str(ENTRY),
    ):
        yield from sorted(share.glob(pattern))


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # something of somebody's is in it, or it is not there


# texts --------------------------------------------------------------------------------------------
def service_menu(command: Sequence[str]) -> str:
    """Dolphin's: it is shown for every file, as KDE asks nobody before; for a file in no drive the
    command says so."""
    whole = (menu.SYNC, menu.HOLD, menu.RELEASE, menu.TRASH)
    items = (menu.SERVER, menu.EXPLAIN, menu.COMPARE, *whole)
    lines = [
        "[Desktop Entry]",
        "Type=Service",
        "MimeType=all/all;",
        "ServiceTypes=KonqPopupMenu/Plugin",
        "X-KDE-ServiceTypes=KonqPopupMenu/Plugin",
        f"X-KDE-Submenu={menu.HEAD}",
        "Icon=syncin-mount",
        "Actions=" + "".join(f"{each.act};" for each in items),
    ]
    program = exec_words(command)
    for each in items:
        lines += ["", f"[Desktop Action {each.act}]", *_named("Name", each.label)]
        lines += ["Icon=syncin-mount", f"Exec={program} desktop run {each.act} -- %F"]
    return "\n".join(lines) + "\n"


def desktop_entry(command: Sequence[str]) -> str:
    """The page, among the programs of the desktop."""
    return "\n".join(
        [
            "[Desktop Entry]",
            "Type=Application",
            "Name=syncin-mount",
            *_named("Comment", menu.PURPOSE),
            f"Exec={exec_words(command)} ui",
            "Icon=syncin-mount",
            "Terminal=false",
            "StartupNotify=false",
            "Categories=Network;FileTransfer;",
            "",
        ]
    )


def _named(key: str, text: str) -> Iterator[str]:
    yield f"{key}={text}"
    for language in sorted(catalogues.languages() - {ENGLISH}):
        found = catalogues.catalogue(language, catalogues.PROGRAM)
        if found is not None:
            yield f"{key}[{language}]={found.gettext(text)}"


def exec_words(command: Sequence[str]) -> str:
    """As ``Exec`` of a desktop entry has it (Desktop Entry Specification, "The Exec key")."""
    return " ".join(_quoted(word) for word in command)


def _quoted(word: str) -> str:
    word = word.replace("%", "%%")
    if word.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum():
        return word
    for letter in '\\"`$':
        word = word.replace(letter, f"\\{letter}")
    # The value of a key is unescaped once before the words are.
    return '"' + word.replace("\\", "\\\\") + '"'
