"""Completion in real shells: what Tab gives, how it is installed, and that it never makes a
noise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from syncin_mount.cli.commands.completion import MARK, SHELLS, script

LIMIT = 60
CONFIGURATION = """
[servers.home]
url = "http://127.0.0.1:9"
login = "user1"
client_id = "4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea"

[synchronizations.docs]
server = "home"
remote = "personal/docs"
mountpoint = "/mnt/docs"

[synchronizations.pictures]
server = "home"
remote = "personal/pictures"
mountpoint = "/mnt/pictures"
"""
ASKED = [
    ("mou", ["mount"]),
    ("mount ", ["docs", "pictures"]),
    ("sync docs ", ["pictures"]),
    ("server auth ", ["home"]),
    ("remote ls --server ", ["home"]),
    ("edit docs --mode ", ["fast", "secure"]),
    ("edit docs --conf", ["--conflict"]),
    ("add d", []),
    ("filter a", ["add"]),
    ("filter add ", ["docs", "pictures"]),
    ("bin d", ["docs"]),
    ("bin restore d", ["docs"]),
    ("journal ", ["discard", "docs", "hold", "list", "pictures", "release"]),
    ("journal docs --a", ["--all"]),
    ("completion install ", ["bash", "fish", "zsh"]),
]


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    return tmp_path


def environment(home: Path, **more: str) -> dict[str, str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "ZDOTDIR"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **plain,
        "PATH": path,
        "HOME": str(home),
        "SYNCIN_MOUNT_HOME": str(home),
        "TERM": "dumb",
        **more,
    }


def run(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env=environment(home, **more),
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=home,
    )


def by_bash(home: Path, line: str) -> list[str]:
    asks = (
        'eval "$(syncin-mount completion show bash)"\n'
        'read -ra COMP_WORDS <<< "$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")\n'
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _syncin_mount_completion syncin-mount\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = run(home, "bash", "--norc", "-c", asks, "bash", f"syncin-mount {line}")
    assert done.stderr == ""
    return done.stdout.split()


def by_fish(home: Path, line: str) -> list[str]:
    asks = f"syncin-mount completion show fish | source; complete -C 'syncin-mount {line}'"
    done = run(home, "fish", "--no-config", "-c", asks)
    assert done.stderr == ""
    return [each.split("\t")[0] for each in done.stdout.splitlines()]


@pytest.mark.parametrize(("line", "expected"), ASKED)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_what_tab_gives(home: Path, shell: str, line: str, expected: list[str]):
    needs(shell)
    found = by_bash(home, line) if shell == "bash" else by_fish(home, line)
    assert sorted(found) == expected


def test_what_tab_gives_in_zsh(home: Path):
    """Its completion works in its line editor alone, so in a terminal; that its install command was
    the only step."""
    needs("zsh")
    assert run(home, "syncin-mount", "completion", "install", "zsh").returncode == 0
    shell = pexpect.spawn(
        "zsh", ["-i"], env=environment(home, PS1="ready> "), timeout=LIMIT, encoding="utf-8"
    )
    try:
        shell.expect_exact("ready> ")
        shell.send("echo got syncin-mount mount pic\t")
        shell.expect_exact("pic")
        shell.sendline("")
        shell.expect_exact("ready> ")
        shell.send("syncin-mount sync pic\t#\n")
        shell.expect_exact("pictures")
        shell.expect_exact("ready> ")
    finally:
        shell.close(force=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_installed_once_and_taken_away_again(home: Path, shell: str):
    start = {"bash": home / ".bashrc", "zsh": home / ".zshrc"}.get(shell)
    if start is not None:
        (home / "dotfiles").mkdir()
        (home / "dotfiles" / "rc").write_text("export MINE=1")
        (home / "dotfiles" / "rc").chmod(0o600)
        start.symlink_to("dotfiles/rc")
    for _ in range(2):
        done = run(home, "syncin-mount", "completion", "install", SHELL=f"/usr/bin/{shell}")
        assert done.returncode == 0, done
    [written] = [
        path for path in home.rglob("*") if path.is_file() and path.read_text() == script(shell)
    ]
    if start is not None:
        assert start.is_symlink()
        assert start.stat().st_mode & 0o777 == 0o600
        lines = start.read_text().splitlines()
        assert lines[0] == "export MINE=1"
        assert [line.endswith(MARK) for line in lines] == [False, True]
        assert str(written) in lines[1]
        assert run(home, "sh", "-n", str(start)).returncode == 0
    assert run(home, "syncin-mount", "completion", "remove", shell).returncode == 0
    assert not written.exists()
    if start is not None:
        assert start.read_text() == "export MINE=1\n"


@pytest.mark.parametrize("broken", ["this is not TOML", None])
def test_without_a_readable_configuration_nothing_is_completed_in_silence(
    home: Path, broken: str | None
):
    config = home / "config.toml"
    config.unlink()
    if broken is not None:
        config.write_text(broken)
    assert by_bash(home, "mount ") == []


def test_which_shell_is_asked_for_when_it_cannot_be_told(home: Path):
    done = run(home, "syncin-mount", "completion", "install", SHELL="/bin/tcsh")
    assert done.returncode == 2
    assert (
        done.stderr
        == "syncin-mount: say for which shell: syncin-mount completion install bash|zsh|fish\n"
    )
    assert not (home / ".bashrc").exists()


def test_a_start_file_that_cannot_be_written_is_named(home: Path):
    (home / ".bashrc").mkdir()
    done = run(home, "syncin-mount", "completion", "install", "bash")
    assert done.returncode == 1
    assert ".bashrc" in done.stderr
    assert "completion show bash" in done.stderr
