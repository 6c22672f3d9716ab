"""Where a client's token is kept between processes: the keyring, or a file that only its owner can
read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from reconciler.phrases import Phrase, strerror
from syncin_mount.config.files import write_atomic
from syncin_mount.config.folders import FolderError, Folders, private_folder

if TYPE_CHECKING:
    from pathlib import Path

_SERVICE = "syncin-mount"


class TokenError(OSError):
    """The token cannot be read or kept. ``str()`` is one sentence: what, why, what to do."""


class TokenStore:
    """The token of one registered client. Used by several processes at once: each reads afresh, the
    last write holds.

    With ``SYNCIN_MOUNT_HOME`` always a file of mode 0600; else the keyring, and the file where
    there is no keyring. The token appears in no message. Everything blocks: call it in a thread.
    """

    def __init__(self, folders: Folders, client_id: str) -> None:
        self._folders = folders
        self._client_id = client_id

    def load(self) -> str:
        """Raises LookupError when no token is kept, TokenError when it cannot be read."""
        # A file beside a keyring is there because the keyring refused the last time: it is the
        # newer one.
        try:
            token = self._file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            token = "" if self._folders.portable else self._keyring_load()
        except (OSError, UnicodeDecodeError) as error:
            raise TokenError(
                Phrase(
                    "the file {file} cannot be read; make it readable for you, or log in again",
                    file=self._file,
                )
            ) from error
        if not token:
            raise LookupError(Phrase("no token is kept for this client"))
        return token

    def save(self, token: str) -> None:
        """The token is on disk, or in the keyring, when this returns. Raises TokenError."""
        self.note_answer(refused=False)
        if not self._folders.portable and self._keyring_save(token):
            self._file.unlink(missing_ok=True)
            return
        try:
            self._folders.make()
            private_folder(self._folders.tokens)
            write_atomic(self._file, token.encode("ascii"), mode=0o600)
        except OSError as error:
            raise TokenError(
                Phrase(
                    "the file {file} cannot be written ({why}); make room or set it free",
                    file=self._file,
                    why=strerror(error),
                )
            ) from error
        except FolderError as error:
            raise TokenError(str(error)) from error

    def note_answer(self, *, refused: bool) -> None:
        """Remembers whether the server refused the token the last time. A note that cannot be kept
        is none."""
        with contextlib.suppress(OSError, FolderError):
            if refused:
                private_folder(self._folders.tokens)
                write_atomic(self._note, b"")
            else:
                self._note.unlink(missing_ok=True)

    @property
    def is_refused(self) -> bool:
        """Whether the server refused the token the last time that it was asked."""
        return self._note.exists()

    @property
    def _note(self) -> Path:
        return self._folders.tokens / f"{self._client_id}.refused"

    def forget(self) -> None:
        """Removes the token from wherever it is kept. Fine when there is none."""
        self.note_answer(refused=False)
        if not self._folders.portable:
            import keyring  # noqa: PLC0415 (start-up time, and not needed with SYNCIN_MOUNT_HOME)
            import keyring.errors  # noqa: PLC0415

            with contextlib.suppress(keyring.errors.KeyringError):
                keyring.delete_password(_SERVICE, self._client_id)
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self._folders.tokens / self._client_id

    def _keyring_load(self) -> str:
        import keyring  # noqa: PLC0415 (as in _forget)
        import keyring.errors  # noqa: PLC0415

        try:
            return keyring.get_password(_SERVICE, self._client_id) or ""
        except keyring.errors.NoKeyringError:
            return ""
        except keyring.errors.KeyringError as error:
            raise TokenError(
                Phrase(
                    "the keyring does not give the token ({error}); unlock it and try again",
                    error=error,
                )
            ) from error

    def _keyring_save(self, token: str) -> bool:
        """Whether there is a keyring that took it. One that refuses (locked, say) counts as
        none."""
        import keyring  # noqa: PLC0415 (as in _forget)
        import keyring.errors  # noqa: PLC0415

        try:
            keyring.set_password(_SERVICE, self._client_id, token)
        except keyring.errors.KeyringError:
            return False
        return True
