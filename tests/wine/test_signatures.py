"""A binary whose signature is not proved is refused; the real ones are checked by `./dev wine`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.wine import signatures
from tests.wine.interpreters import INTERPRETERS
from tests.wine.places import CannotSetUp

PROVED = """\
Signer: /O=Python Software Foundation/CN=Python Software Foundation
Timestamp Server Signature verification: ok
Signature verification: ok
Succeeded
"""


@pytest.fixture
def osslsigncode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What it says is in this file: its last line is its status."""
    says = tmp_path / "says"
    tool = tmp_path / "osslsigncode"
    tool.write_text(f"#!/bin/sh\nhead -n -1 '{says}'\nexit $(tail -n 1 '{says}')\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    signatures._offline.cache_clear()
    return says


def test_a_proved_signature_is_taken(osslsigncode: Path, tmp_path: Path) -> None:
    osslsigncode.write_text(f"{PROVED}0\n")
    signatures.check_signatures([tmp_path / "python.exe"])


@pytest.mark.parametrize(
    "said",
    [
        f"{PROVED}1\n",
        f"{PROVED.replace('CN=Python', 'CN=Some Other')}0\n",
        f"{PROVED.replace('Signature verification: ok', 'Signature verification: failed')}0\n",
        f"{PROVED.replace('Timestamp Server Signature verification: ok', '')}0\n",
        "No signature found\n0\n",
    ],
)
def test_everything_else_is_refused(osslsigncode: Path, tmp_path: Path, said: str) -> None:
    osslsigncode.write_text(said)
    with pytest.raises(CannotSetUp, match=r"python\.exe is not proved"):
        signatures.check_signatures([tmp_path / "python.exe"])


def test_nothing_to_check_is_refused() -> None:
    with pytest.raises(CannotSetUp, match="no binary"):
        signatures.check_signatures([])


def test_without_the_tool_nothing_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    signatures._offline.cache_clear()
    with pytest.raises(CannotSetUp, match="osslsigncode"):
        signatures.check_signatures([tmp_path / "python.exe"])


def test_each_interpreter_is_pinned() -> None:
    for version, each in INTERPRETERS.items():
        assert each.version == version
        assert len(bytes.fromhex(each.sha256)) == 32
        assert "==" in each.package
