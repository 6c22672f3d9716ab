"""What a bug report needs, in one archive that is fit to be shown to strangers.

Each part is collected by itself: what goes wrong with one is what is said in its place.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from syncin_mount import __version__
from syncin_mount.addresses import without_login
from syncin_mount.app.drives.open_drive import ask_drive, hanging, is_mounted
from syncin_mount.app.messages import sentence
from syncin_mount.app.support.redaction import TOP_FOLDERS, Redaction, vocabulary
from syncin_mount.config import Configuration, ConfigurationError, ConfigurationFile, Folders
from syncin_mount.control.supervision import NAME as SUPERVISOR
from syncin_mount.logs.files import rotated

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from syncin_mount.app.drives.drive import Drive
    from syncin_mount.config import Synchronization
    from syncin_mount.control.messages import JournalEntry, Transfer

T = TypeVar("T")

_LIBRARIES = (
    "pyfuse3",
    "trio",
    "lmdb",
    "httpx",
    "httpcore",
    "hypercorn",
    "msgspec",
    "click",
    "rich",
    "jeepney",
)
_LONGEST_LOG = 2_000_000
"""Bytes of a log; the newest."""

_FAILURES = 200
_KNOWN_NAMES = 5000
"""Of files and folders that are looked for besides what cannot be the program's own words."""

_PATIENCE = 10.0
"""Seconds that a program of the system gets."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the archive: what it is, for people, and how it is come by. Not ``private``:
    nothing in it is anybody's."""

    name: str
    what: str
    collect: Callable[[], str]
    private: bool = True


def write_report(
    path: Path, folders: Folders, findings: Callable[[], list[str]], *, with_names: bool
) -> list[Part]:
    """Writes the archive, which only its owner can read, and tells what is in it. Raises OSError;
    FileExistsError when there is something already. Takes some seconds, and longer where a server
    does not answer; it runs trio itself, so an async program calls it in a thread."""
    configuration = _configuration(folders)
    parts = [
        Part(
            "versions.json",
            "versions of the program, its libraries, Python, the kernel and FUSE",
            lambda: _versions(folders),
            private=False,
        ),
        Part(
            "doctor.txt", "what the checks of the installation say", lambda: "\n".join(findings())
        ),
        Part("settings.json", "the settings, without log-in data", lambda: _settings(folders)),
        Part("mounts.txt", "this program's lines of the mount table", _mounts),
        Part("systemd.txt", "how the units are", _systemd),
        Part("supervisor.log", "what the supervisor logged", lambda: _log(folders, SUPERVISOR)),
    ]
    silent = trio.run(hanging, folders, configuration)
    for number, each in enumerate(configuration.synchronizations.values(), 1):
        found = _of_synchronization(folders, configuration, each, f"sync-{number}")
        if each.name in silent:  # each question would wait for it
            found = [part for part in found if part.name.endswith("/log")]
        parts += found
    said = {part.name: _said(part) for part in parts}
    redaction = Redaction(
        frozenset() if with_names else vocabulary(),
        () if with_names else _names(folders, configuration, silent) | _paths_in(said.values()),
        _secrets(folders),
        keep_names=with_names,
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for part in parts:
            _add(archive, path, part.name, _redacted(redaction, part, said[part.name]))
        _add(archive, path, "README.txt", _readme(parts, with_names=with_names))
    return parts


def _add(archive: tarfile.TarFile, path: Path, name: str, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    info = tarfile.TarInfo(f"{path.name.removesuffix('.gz').removesuffix('.tar')}/{name}")
    info.size, info.mtime, info.mode = len(data), int(time.time()), 0o600
    archive.addfile(info, io.BytesIO(data))


def _redacted(redaction: Redaction, part: Part, text: str) -> str:
    if not part.private:
        return text
    try:
        return _json(redaction.data(json.loads(text))) + "\n"
    except ValueError:  # plain text
        return redaction.text(text)


def _said(part: Part) -> str:
    try:
        return part.collect() + "\n"
    except Exception as error:  # noqa: BLE001 (a report of what is broken must not break over it)
        return f"could not be collected: {type(error).__name__}: {error}\n"


def _readme(parts: list[Part], *, with_names: bool) -> str:
    names = (
        "Names of files, folders, users and servers are in it."
        if with_names
        else (
            "Names of files, folders, users and servers are replaced by x1, x2, …, the same name by"
            " the same."
        )
    )
    lines = [f"{part.name}: {part.what}" for part in parts]
    return "\n".join(
        [
            "A report about syncin-mount. No file's content and no log-in data is in it.",
            names,
            "",
            *lines,
            "",
        ]
    )


# what there is ------------------------------------------------------------------------------------


def _configuration(folders: Folders) -> Configuration:
    """An empty one where it is broken."""
    try:
        return ConfigurationFile(folders).read()
    except ConfigurationError:
        return Configuration()


def _versions(folders: Folders) -> str:
    libraries = {}
    for name in _LIBRARIES:
        try:
            libraries[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            libraries[name] = "not installed"
    return _json(
        {
            "syncin-mount": __version__,
            "python": platform.python_version(),
            "system": {
                "kernel": platform.release(),
                "machine": platform.machine(),
                "is": _os_release(),
            },
            "fusermount3": _output(["fusermount3", "--version"]),
            "libraries": libraries,
            "state": _disk(folders.state),
            "environment": sorted(
                key for key in os.environ if key.startswith(("SYNCIN_", "XDG_", "DBUS_"))
            ),
        }
    )


def _os_release() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"


def _disk(folder: Path) -> dict[str, Any]:
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return {"size": usage.total, "free": usage.free}


def _settings(folders: Folders) -> str:
    """As a list, so that the names that tables have are values."""
    text = folders.config_file.read_text(encoding="utf-8") if folders.config_file.exists() else ""
    try:
        document = tomllib.loads(text)
        ConfigurationFile(folders).read()
    except (tomllib.TOMLDecodeError, ConfigurationError) as error:
        return f"the configuration of {text.count(chr(10))} lines cannot be read: {error}"
    for table in document.get("servers", {}).values():
        if "proxy" in table:
            table["proxy"] = without_login(str(table["proxy"]))
    if "hooks" in document:  # their words may be secrets
        document["hooks"] = {key: len(words) for key, words in document["hooks"].items()}
    tables = {kind: document.get(kind, {}) for kind in ("servers", "synchronizations")}
    lists = {
        kind: [{"name": name, **table} for name, table in found.items()]
        for kind, found in tables.items()
    }
    return _json({**{key: value for key, value in document.items() if key not in tables}, **lists})


def _mounts() -> str:
    from syncin_mount.mount_table import is_ours, mounts  # noqa: PLC0415 (start-up time)

    ours = [each for each in mounts() if is_ours(each) and each.source.startswith("syncin")]
    return "\n".join(f"{each.point} {each.kind}" for each in ours) or "none"


def _systemd() -> str:
    from syncin_mount.autostart import UNIT  # noqa: PLC0415 (start-up time)

    wanted = ["show", UNIT, "-p", "LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState"]
    found = [
        _output(["systemctl", "--user", *wanted]),
        _output(["systemctl", "list-units", "syncin-mount-*", "--plain"]),
    ]
    return "\n\n".join(found)


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, text=True, timeout=_PATIENCE
        )
    except FileNotFoundError:
        return f"{command[0]} is not here"
    except subprocess.TimeoutExpired:
        return f"{command[0]} does not come back"
    return (done.stdout + done.stderr).strip()


def _log(folders: Folders, name: str) -> str:
    text = "".join(
        each.read_text(encoding="utf-8", errors="replace") for each in rotated(folders.log(name))
    )
    return text[-_LONGEST_LOG:].strip() or "nothing is logged"


def _of_synchronization(
    folders: Folders, configuration: Configuration, each: Synchronization, place: str
) -> list[Part]:
    name = each.name
    return [
        Part(f"{place}/status.json", "how it is", lambda: _status(folders, configuration, each)),
        Part(f"{place}/log", "what it logged", lambda: _log(folders, name)),
        Part(
            f"{place}/failures.json",
            f"its last {_FAILURES} failed transfers",
            lambda: _failures(folders, configuration, each),
        ),
        Part(
            f"{place}/journal.json",
            "how many changes wait, and why",
            lambda: _journal(folders, configuration, each),
        ),
        Part(
            f"{place}/check.txt",
            "what is out of order in the local copy",
            lambda: _check(folders, name),
        ),
        Part(
            f"{place}/copy.json",
            "how big the parts of the local copy are",
            lambda: _sizes(folders.replica(name)),
        ),
    ]


def _status(folders: Folders, configuration: Configuration, each: Synchronization) -> str:
    import msgspec  # noqa: PLC0415 (start-up time)

    from syncin_mount.app.runs.status_poller import StatusPoller  # noqa: PLC0415
    from syncin_mount.control.messages import plain  # noqa: PLC0415

    poller = StatusPoller(folders)
    [state] = poller.look_now(configuration, [each], time.time())
    found = {"name": each.name, "enabled": each.enabled, "supervisor": poller.trouble}
    if state.status is not None:
        found |= msgspec.to_builtins(state.status, enc_hook=plain)
    return _json(
        found
        | {
            "supervised": msgspec.to_builtins(state.supervised),
            "error": None if state.error is None else sentence(state.error, each.name),
            "tls_verified": state.unverified is None,
        }
    )


def _asked(
    folders: Folders,
    configuration: Configuration,
    each: Synchronization,
    ask: Callable[[Drive], Awaitable[list[T]]],
) -> list[T]:
    return trio.run(ask_drive, folders, configuration, each, ask)


def _failures(folders: Folders, configuration: Configuration, each: Synchronization) -> str:
    from syncin_mount.control.messages import TransferQuery  # noqa: PLC0415 (start-up time)

    query = TransferQuery(failed=True, limit=_FAILURES)
    return _json(_asked(folders, configuration, each, lambda drive: drive.transfers(query)))


def _journal(folders: Folders, configuration: Configuration, each: Synchronization) -> str:
    found = _asked(folders, configuration, each, lambda drive: drive.journal())
    why = Counter(entry.why or "" for entry in found)
    reasons = [{"why": each, "changes": count} for each, count in why.most_common()]
    return _json({"what": Counter(entry.op for entry in found), "reasons": reasons})


def _check(folders: Folders, name: str) -> str:
    if is_mounted(folders, name):
        return "not looked at: it is mounted"
    if not folders.replica(name).is_dir():
        return "there is no local copy"
    from syncin_mount.store import check  # noqa: PLC0415 (start-up time)

    return (
        "\n".join(f"node {each.node}: {each.what}" for each in check(folders.replica(name)))
        or "all is in order"
    )


def _sizes(replica: Path) -> str:
    """By the part's first folder: no names of contents."""
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for parent, _, files in os.walk(replica):
        part = next(iter(Path(parent).relative_to(replica).parts), ".")
        for name in files:
            counts[part] += 1
            sizes[part] += (Path(parent) / name).lstat().st_size
    return _json({part: {"files": counts[part], "bytes": sizes[part]} for part in counts})


def _json(value: Any) -> str:
    import msgspec  # noqa: PLC0415 (start-up time)

    from syncin_mount.control.messages import plain  # noqa: PLC0415

    return json.dumps(msgspec.to_builtins(value, enc_hook=plain), indent=1, ensure_ascii=False)


# what must not be in it ---------------------------------------------------------------------------


def _secrets(folders: Folders) -> list[str]:
    """The tokens that lie in files. (Those in a keyring are in no file of ours.)"""
    found = []
    for path in folders.tokens.glob("*"):
        try:
            found.append(path.read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError):
            continue
    return found


def _names(folders: Folders, configuration: Configuration, silent: frozenset[str]) -> set[str]:
    """Names that are known: they may be words that the program uses, too, or several words.
    ``silent`` are those whose daemon cannot be asked."""
    found = {
        os.environ.get("USER", ""),
        os.environ.get("LOGNAME", ""),
        platform.node(),
        Path.home().name,
    }
    for server in configuration.servers.values():
        found |= {server.name, server.login, server.url.partition("://")[2]}
    for each in configuration.synchronizations.values():
        found |= {each.name, *each.remote.split("/")[1:], *each.filters}
        top, *below = each.mountpoint.parts[1:] or ("",)
        found |= {*below} if top in TOP_FOLDERS else {top, *below}
        if each.name not in silent:
            found |= _names_in(folders, configuration, each)
    return {name for name in found if name not in {"root", "home", "tmp"}}


def _paths_in(texts: Iterable[str]) -> set[str]:
    """The names in the paths of what was collected as JSON."""
    return {
        name
        for text in texts
        for path in re.findall(r'"(?:path|new_path)": ("(?:[^"\\]|\\.)*")', text)
        for name in json.loads(path).split("/")
    }


def _names_in(folders: Folders, configuration: Configuration, each: Synchronization) -> set[str]:
    """Those of files that were carried, and of what waits."""
    from syncin_mount.control.messages import TransferQuery  # noqa: PLC0415 (start-up time)

    def carried() -> Iterable[Transfer | JournalEntry]:
        query = TransferQuery(limit=_KNOWN_NAMES)
        return _asked(folders, configuration, each, lambda drive: drive.transfers(query))

    def waiting() -> Iterable[Transfer | JournalEntry]:
        found = _asked(folders, configuration, each, lambda drive: drive.journal(everything=True))
        return found[:_KNOWN_NAMES]

    found: set[str] = set()
    for source in (carried, waiting):
        try:
            paths = [path for row in source() for path in (row.path, row.new_path or "")]
        except Exception:  # noqa: BLE001, S112 (the part that shows it says what ails it)
            continue
        found |= {name for path in paths for name in path.split("/")}
    return found


def default_path() -> Path:
    """In the working folder, by the time."""
    return Path.cwd() / time.strftime("syncin-mount-report-%Y%m%d-%H%M%S.tar.gz")
