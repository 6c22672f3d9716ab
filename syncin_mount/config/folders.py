"""Where configuration, state and sockets lie."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from reconciler.phrases import Phrase, strerror
from syncin_mount.deep_tree import make_folders

HOME_VARIABLE = "SYNCIN_MOUNT_HOME"
_PROGRAM = "syncin-mount"
MARK = ".syncin-mount"
"""The empty file in a folder that the program made for itself: only such a folder, with all in it,
may be closed."""

_SETTINGS, _ALL = 0o022, 0o077
"""Permission bits that others must not have: of the folder of the settings, and of every other
one."""

_INSIDE = _REPLICAS, _LOGS, _RUN, _TOKENS = "replicas", "logs", "run", "tokens"
"""Folders in the state's, each made by who first needs it."""

_LONGEST_SOCKET_PATH = 107
"""Bytes. ``sun_path`` of unix(7) has 108, one of them for the NUL."""


class FolderError(Exception):
    """A folder of the program's own cannot be used. ``str()`` is one sentence: what, why, what to
    do."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The program's own folders. Nothing is created until somebody asks through ``make`` or
    ``private_folder``.

    ``portable`` says that ``SYNCIN_MOUNT_HOME`` chose them: then nothing outside that folder is
    used, the keyring included.
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
        """Sees to it that nobody else writes to the settings (who does could have the password sent
        elsewhere) or looks into the state, as far as they are there. Those that the program made
        are closed; what a variable points at is somebody's, and never changed. Raises FolderError
        for what is open then, or cannot be the program's folder."""
        for path, closed in ((self.config, _SETTINGS), (self.state, _ALL)):
            try:
                _guard(path, closed)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unusable(path, strerror(error)) from error

    def make(self) -> None:
        """Makes the folders of settings and state where they are missing, and sees to them as
        ``keep_others_out``. Raises FolderError."""
        _own(self.config, _SETTINGS)
        _own(self.state, _ALL)

    def trouble(self) -> str | None:
        """A sentence where ``make`` would raise; makes nothing."""
        try:
            self.keep_others_out()
        except FolderError as error:
            return str(error)
        inside = [self.state / each for each in _INSIDE]
        for path in (self.config, self.state, *filter(os.path.lexists, inside)):
            why = unwritable(path)
            if why is not None:
                return str(_unusable(path, why))
        return None

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def tokens(self) -> Path:
        return self.state / _TOKENS

    @property
    def replicas(self) -> Path:
        return self.state / _REPLICAS

    def replica(self, name: str) -> Path:
        """The local store of one synchronization."""
        return self.replicas / name

    def log(self, name: str) -> Path:
        return self.state / _LOGS / f"{name}.log"

    def socket(self, name: str) -> Path:
        """The control socket of one synchronization: in the state folder, so that it is found
        whatever session asks.

        A path too long for a socket address is replaced by a short one that is derived from it, in
        the runtime folder.
        """
        wanted = self.state / _RUN / f"{name}.sock"
        if sys.platform == "win32" or len(os.fsencode(wanted)) <= _LONGEST_SOCKET_PATH:
            return wanted  # on Windows it is no socket
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:20]
        short = self.runtime / f"{digest}.sock"
        if len(os.fsencode(short)) <= _LONGEST_SOCKET_PATH:
            return short
        return _runtime() / f"{digest}.sock"


def _runtime() -> Path:
    """A short-lived folder with a short path: the session's, or one of ours where there is no
    session."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        return Path(session) / _PROGRAM
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / _PROGRAM
    return Path(tempfile.gettempdir()) / f"{_PROGRAM}-{os.getuid()}"


def private_folder(path: Path, *, mark: bool = True) -> Path:
    """Makes the folder, with its parents, so that only its owner can look into it, and returns it.
    One that is there is closed where the program made it, and else has to be closed already.
    Without ``mark`` a new one is not marked as made by the program: it must hold nothing else.

    Raises FolderError when it is no folder, is open, belongs to somebody else or is reached by
    somebody else's link (in a folder like /tmp others may have been there first), or cannot be
    made.
    """
    return _own(path, _ALL, mark=mark)


def unwritable(path: Path) -> str | None:
    """Why nothing can be written into the folder, or it not be made where it is missing, as a
    clause; None where it can. Makes nothing."""
    there = next(each for each in (path, *path.parents) if os.path.lexists(each))
    if not there.is_dir():
        return Phrase("Not a directory")
    if os.access(there, os.W_OK | os.X_OK):
        return None
    if sys.platform != "win32" and os.statvfs(there).f_flag & os.ST_RDONLY:
        return Phrase("Read-only file system")
    return Phrase("Permission denied")


def _own(path: Path, closed: int, *, mark: bool = True) -> Path:
    try:
        made = make_folders(os.fsencode(path))
        if mark and os.fsencode(path) in made and not _made_by_us(path):
            os.close(os.open(path / MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _guard(path, closed)
    except OSError as error:
        raise _unusable(path, strerror(error)) from error
    return path


def _unusable(path: Path, why: str) -> FolderError:
    return FolderError(
        Phrase(
            "the folder {path} cannot be used ({why}); make it writable for you or set {variable}",
            path=path,
            why=why,
            variable=HOME_VARIABLE,
        )
    )


def _guard(path: Path, closed: int) -> None:
    """The folder has none of these permission bits for others when this returns. Raises OSError,
    FolderError."""
    if sys.platform == "win32":
        return
    link = path.lstat()
    # By its descriptor: whatever happens to the path meanwhile, what is changed is what was looked
    # at.
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(folder)
        # Root's own are as safe to read settings from as ours.
        owners = {0, os.getuid()} if closed == _SETTINGS else {os.getuid()}
        if found.st_uid not in owners or link.st_uid not in {0, os.getuid()}:
            raise FolderError(
                Phrase(
                    "the folder {path} belongs to another user, so no secret goes there; remove"
                    " it or set {variable}",
                    path=path,
                    variable=HOME_VARIABLE,
                )
            )
        mode = stat.S_IMODE(found.st_mode)
        if not mode & closed:
            return
        if not _made_by_us(path):
            take = "go-w" if closed == _SETTINGS else "go-rwx"
            raise FolderError(
                Phrase(
                    "the folder {path} is open to other users (mode {mode}) and was not made by"
                    " this program, which therefore leaves it alone; close it yourself with:"
                    " chmod {take} '{path}', or set {variable}",
                    path=path,
                    mode=f"{mode:o}",
                    take=take,
                    variable=HOME_VARIABLE,
                )
            )
        os.fchmod(folder, mode & ~closed | stat.S_IRWXU)
    finally:
        os.close(folder)


def _made_by_us(path: Path) -> bool:
    """Whether the mark lies in the folder itself or in one above it, all of them real folders of
    ours."""
    if sys.platform == "win32":
        return True
    for each in (path, *path.parents):
        try:
            folder = each.lstat()
        except OSError:
            return False
        if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != os.getuid():
            return False
        try:
            mark = (each / MARK).lstat()
        except OSError:
            continue
        if stat.S_ISREG(mark.st_mode) and mark.st_uid == os.getuid():
            return True
    return False
