"""Tokens: kept where only their owner reads, never shown."""

from __future__ import annotations

from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from syncin_mount.config import Folders, TokenStore
from syncin_mount.config.tokens import TokenError

SECRET = "not-to-be-shown"


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory; ``locked`` refuses everything, as one does that nobody unlocked."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service, username):
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service, username):
        self._check()
        del self.kept[service, username]

    def _check(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("the keyring is locked")


@pytest.fixture
def ring():
    before = keyring.get_keyring()
    ring = Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def no_ring():
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def store(tmp_path: Path, *, portable: bool = False) -> TokenStore:
    return TokenStore(
        Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=portable), "client"
    )


def file(tmp_path: Path) -> Path:
    return tmp_path / "state/tokens/client"


def test_a_portable_profile_leaves_the_keyring_alone(tmp_path, ring):
    store(tmp_path, portable=True).save(SECRET)
    assert ring.kept == {}
    assert store(tmp_path, portable=True).load() == SECRET
    assert file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert file(tmp_path).parent.stat().st_mode & 0o777 == 0o700


def test_the_keyring_is_preferred(tmp_path, ring):
    store(tmp_path).save(SECRET)
    assert list(ring.kept.values()) == [SECRET]
    assert not file(tmp_path).exists()
    assert store(tmp_path).load() == SECRET
    store(tmp_path).forget()
    assert ring.kept == {}


def test_without_a_keyring_a_file_is_used(tmp_path, no_ring):
    with pytest.raises(LookupError):
        store(tmp_path).load()
    store(tmp_path).save(SECRET)
    assert store(tmp_path).load() == SECRET
    assert file(tmp_path).stat().st_mode & 0o777 == 0o600
    store(tmp_path).forget()
    with pytest.raises(LookupError):
        store(tmp_path).load()


def test_a_newer_token_in_the_file_beats_an_older_one_in_the_keyring(tmp_path, ring):
    store(tmp_path).save("old")
    ring.locked = True
    store(tmp_path).save("new")
    ring.locked = False
    assert store(tmp_path).load() == "new"
    store(tmp_path).save("newest")
    assert store(tmp_path).load() == "newest"
    assert not file(tmp_path).exists()


def test_a_locked_keyring_is_an_error_without_the_token(tmp_path, ring):
    store(tmp_path).save(SECRET)
    ring.locked = True
    with pytest.raises(TokenError, match="unlock it and try again") as caught:
        store(tmp_path).load()
    assert SECRET not in str(caught.value)
