"""The supervisor at every log-in: what stands in the user's registry, and what that starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from syncin_mount.app.errors import NotPossible
from syncin_mount.app.processes import at_login
from syncin_mount.config.folders import HOME_VARIABLE

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="of Windows' registry")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    at_login.end()
    yield
    at_login.end()


def command() -> str:
    if sys.platform == "win32":
        import winreg

        from syncin_mount.app.processes.run_key import KEY, VALUE

        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, KEY) as key:
            value, kind = winreg.QueryValueEx(key, VALUE)
        assert kind == winreg.REG_SZ
        return str(value)
    raise AssertionError("of Windows' registry")


def test_it_is_begun_looked_at_and_ended() -> None:
    assert at_login.look() is at_login.AtLogin.OFF
    at_login.begin(running=True)
    assert at_login.look() is at_login.AtLogin.ON
    assert at_login.end()
    assert at_login.look() is at_login.AtLogin.OFF
    assert not at_login.end()


def test_what_is_written_starts_this_program() -> None:
    at_login.begin(running=True)
    begun = command()
    assert begun.endswith(" -m syncin_mount up")
    asked = begun.removesuffix("up") + "--version"
    assert subprocess.run(asked, check=False, timeout=100).returncode == 0  # it has no streams
    shown = subprocess.run(
        asked.replace("pythonw.exe", "python.exe"), capture_output=True, check=False, timeout=100
    )
    assert b"syncin-mount" in shown.stdout, shown


def test_folders_that_a_variable_chose_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows would start it without the variable, in other folders."""
    monkeypatch.setenv(HOME_VARIABLE, "C:\\elsewhere")
    with pytest.raises(NotPossible):
        at_login.begin(running=True)
    assert at_login.look() is at_login.AtLogin.OFF
