"""Where configuration, state and sockets lie."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from syncin_mount.walking import make_folders

HOME_VARIABLE = "SYNCIN_MOUNT_HOME"
_PROGRAM = "syncin-mount"
_LONGEST_SOCKET_PATH = 107
"""Bytes. ``sun_path`` of unix(7) has 108, one of them for the NUL."""


class FolderError(Exception):
    """A folder of the program's own cannot be used. ``str()`` is one sentence: what, why, what to do."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The program's own folders. Nothing is created until somebody asks through ``private_folder``.

    ``portable`` says that ``SYNCIN_MOUNT_HOME`` chose them: then nothing outside that folder is used, the keyring
    included.
    """

    config: Path
    state: Path
    runtime: Path
    portable: bool

    @staticmethod
    def find() -> Folders:
        """From the environment: ``SYNCIN_MOUNT_HOME``, else the XDG folders."""
        home = os.environ.get(HOME_VARIABLE)
        if home:
            base = Path(home).expanduser().absolute()
            return Folders(base, base / "state", base / "run", portable=True)
        import platformdirs  # noqa: PLC0415 (start-up time: not needed with SYNCIN_MOUNT_HOME)

        own = platformdirs.PlatformDirs(_PROGRAM, appauthor=False)
        return Folders(own.user_config_path, own.user_state_path, _runtime(), portable=False)

    def keep_others_out(self) -> None:
        """Closes to others what is there of these folders already: made by hand, or by a program whose umask lets all
        in. Who may write to the folder of the settings could have the password sent elsewhere. What is not ours, or
        cannot be changed, stays as it is: nothing secret is written there (see ``private_folder``)."""
        for path, closed in ((self.config, 0o022), (self.state, 0o077)):
            with contextlib.suppress(OSError):
                _close(path, path.stat(), closed)

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def tokens(self) -> Path:
        return self.state / "tokens"

    @property
    def replicas(self) -> Path:
        return self.state / "replicas"

    def replica(self, name: str) -> Path:
        """The local store of one synchronization."""
        return self.replicas / name

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def socket(self, name: str) -> Path:
        """The control socket of one synchronization: in the state folder, so that it is found whatever session asks.

        A path too long for a socket address is replaced by a short one that is derived from it, in the runtime folder.
        """
        wanted = self.state / "run" / f"{name}.sock"
        if len(os.fsencode(wanted)) <= _LONGEST_SOCKET_PATH:
            return wanted
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:20]
        short = self.runtime / f"{digest}.sock"
        if len(os.fsencode(short)) <= _LONGEST_SOCKET_PATH:
            return short
        return _runtime() / f"{digest}.sock"


def _runtime() -> Path:
    """A short-lived folder with a short path: the session's, or one of ours where there is no session."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        return Path(session) / _PROGRAM
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / _PROGRAM
    return Path(tempfile.gettempdir()) / f"{_PROGRAM}-{os.getuid()}"


def private_folder(path: Path) -> Path:
    """Makes the folder, with its parents, so that only its owner can look into it, and returns it.

    Raises FolderError when it is no folder, belongs to somebody else or is reached by somebody else's link (in a folder
    like /tmp others may have been there first), or cannot be made.
    """
    try:
        make_folders(os.fsencode(path))
        link, found = path.lstat(), path.stat()
        if sys.platform != "win32" and (found.st_uid != os.getuid() or link.st_uid not in {0, os.getuid()}):
            raise FolderError(
                f"the folder {path} belongs to another user, so no secret goes there; remove it or set {HOME_VARIABLE}"
            )
        _close(path, found, 0o077)
    except OSError as error:
        raise FolderError(
            f"the folder {path} cannot be used ({error.strerror}); make it writable for you or set {HOME_VARIABLE}"
        ) from error
    return path


def _close(path: Path, found: os.stat_result, closed: int) -> None:
    """Takes these permission bits away from a folder of ours. Raises OSError."""
    if sys.platform == "win32" or found.st_uid != os.getuid():
        return
    mode = stat.S_IMODE(found.st_mode)
    if mode & closed:
        path.chmod(mode & ~closed | stat.S_IRWXU)
