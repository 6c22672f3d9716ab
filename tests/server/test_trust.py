"""Certificates that were set and cannot be used are refused by name: OpenSSL itself says nothing
about them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest

from reconciler.errors import Refused
from syncin_mount.app.messages import sentence
from syncin_mount.devserver.certificate import FILE_NAME, self_signed
from syncin_mount.remote.trust import FILE, FOLDER, trusting, unusable, wrong_in_environment


def absent(path: Path) -> None:
    assert not path.exists()


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("no certificate\n")


def damaged(path: Path) -> None:
    path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path)


def unhashed(path: Path) -> None:
    path.mkdir()
    (path / "root.pem").write_bytes(Path(certifi.where()).read_bytes())


FILES = [
    (absent, "No such file"),
    (folder, "it is a folder"),
    (empty, "holds no certificate"),
    (text, "holds no certificate"),
    (damaged, "holds no certificate"),
    (pipe, "no regular file"),
    (loop, "symbolic links"),
]
FOLDERS = [
    (absent, "No such file"),
    (folder, "holds no certificate"),
    (empty, "Not a directory"),
    (unhashed, "openssl rehash"),
    (loop, "symbolic links"),
]
CASES = [(FILE, *case) for case in FILES] + [(FOLDER, *case) for case in FOLDERS]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (FILE, FOLDER):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(("variable", "make", "why"), CASES)
def test_a_variable_that_names_no_certificates_is_refused_by_name(
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    make: Callable[[Path], None],
    why: str,
):
    place = tmp_path / "named"
    make(place)
    environment.setenv(variable, str(place))
    with pytest.raises(Refused, match=f"{variable} names {place}, .*{why}") as caught:
        trusting(None, insecure=False)
    assert not caught.value.temporary
    assert trusting(None, insecure=True).verify_mode is ssl.CERT_NONE
    # what is set for the server holds instead
    assert trusting(certifi.where(), insecure=False).get_ca_certs()


@pytest.mark.parametrize(("make", "why"), FILES)
def test_a_file_that_was_set_is_refused_by_name(
    tmp_path: Path, make: Callable[[Path], None], why: str
):
    place = tmp_path / "named"
    make(place)
    with pytest.raises(Refused, match=f"{place} .*{why}") as caught:
        trusting(str(place), insecure=False)
    assert "syncin-mount server edit" in sentence(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read(environment: pytest.MonkeyPatch, tmp_path: Path):
    place = tmp_path / "named"
    place.write_bytes(Path(certifi.where()).read_bytes())
    place.chmod(0)
    environment.setenv(FILE, str(place))
    assert "Permission denied" in (wrong_in_environment() or "")


def test_what_is_empty_or_left_out_on_purpose_is_no_trouble(tmp_path: Path):
    hashed = tmp_path / "hashed"
    hashed.mkdir()
    (hashed / "0a1b2c3d.0").write_bytes(b"")
    good, bad = certifi.where(), str(tmp_path / "none")
    assert wrong_in_environment({}) is None
    assert wrong_in_environment({FILE: "", FOLDER: ""}) is None
    assert wrong_in_environment({FILE: good, FOLDER: bad}) is None
    assert wrong_in_environment({FOLDER: f"{bad}{os.pathsep}{hashed}"}) is None
    assert wrong_in_environment({FILE: bad, FOLDER: str(hashed)}) is not None
    assert wrong_in_environment({FOLDER: f"{bad}{os.pathsep}{bad}"}) is not None


def test_nobody_else_is_trusted_than_the_file_says(environment: pytest.MonkeyPatch, tmp_path: Path):
    self_signed(tmp_path, "127.0.0.1")
    environment.setenv(FILE, str(tmp_path / FILE_NAME))
    environment.setenv(FOLDER, str(tmp_path / "none"))
    assert trusting(None, insecure=False).cert_store_stats()["x509"] == 1
    assert "/x" in str(unusable("certificates", "/x", "why"))
