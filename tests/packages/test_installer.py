"""`install.sh` of the archive, on a small one: it adds links and takes exactly these away again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from syncin_mount import autostart

ROOT = Path(__file__).parents[2]
STANDALONE = ROOT / "platform" / "linux" / "standalone"
SHARE = ROOT / "platform" / "linux" / "share"
PYTHON = "/opt/syncin-mount/python/bin/python3"


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "platform" / "packages"))
    import installer as found

    yield found
    sys.modules.pop("installer", None)


def archive(folder: Path, *more: str) -> Path:
    """An unpacked archive, with some of its files, and more manual pages."""
    for name in ("bin/syncin-mount", *more):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name} of {folder.name}\n")
    for part in ("applications", "man", "zsh", "icons"):
        shutil.copytree(SHARE / part, folder / "share" / part, dirs_exist_ok=True)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return archive(tmp_path / "syncin-mount-1")


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Where somebody has something already."""
    made = tmp_path / "with a space" / ".local"
    (made / "share" / "man" / "man1").mkdir(parents=True)
    (made / "share" / "man" / "man1" / "other.1").write_text("another's\n")
    (made / "share" / "empty").mkdir()
    return made


def everything(folder: Path) -> dict[str, str]:
    """All that is there, links with where they lead."""
    return {
        str(path.relative_to(folder)): (
            f"-> {path.readlink()}"
            if path.is_symlink()
            else "folder"
            if path.is_dir()
            else path.read_text(errors="replace")
        )
        for path in sorted(folder.rglob("*"))
    }


def test_links_lead_into_the_archive_and_all_of_it_goes_again(
    installer: ModuleType, home: Path, prefix: Path
) -> None:
    before = everything(prefix)
    assert installer.install(home, prefix, PYTHON) == []
    there = everything(prefix)
    assert before.items() <= there.items()
    assert there["bin/syncin-mount"] == f"-> {home}/bin/syncin-mount"
    for name in (
        "share/man/man1/syncin-mount-add.1",
        "share/zsh/site-functions/_syncin-mount",
        "share/icons/hicolor/scalable/apps/syncin-mount.svg",
    ):
        assert there[name] == f"-> {home}/{name}"
        assert (prefix / name).is_file()
    assert "lib/systemd/user/syncin-mount.service" not in there, "that is what up --at-login writes"
    assert installer.remove(prefix)
    assert everything(prefix) == before
    assert not installer.remove(prefix)


def test_a_folder_that_is_not_there_is_made_and_goes_again(
    installer: ModuleType, home: Path, tmp_path: Path
) -> None:
    prefix = tmp_path / "new" / "one"
    installer.install(home, prefix, PYTHON)
    assert (prefix / "bin" / "syncin-mount").read_text().startswith("bin/syncin-mount of")
    installer.remove(prefix)
    assert not (tmp_path / "new").exists()


def test_the_desktop_starts_it_without_a_path(
    installer: ModuleType, home: Path, prefix: Path
) -> None:
    installer.install(home, prefix, PYTHON)
    entry = prefix / "share" / "applications" / "syncin-mount.desktop"
    assert f'\nExec="{prefix}/bin/syncin-mount" ui\n' in entry.read_text()
    assert "Exec=syncin-mount" not in entry.read_text()
    if shutil.which("desktop-file-validate") is not None:
        subprocess.run(["desktop-file-validate", entry], check=True, timeout=60)


def test_a_newer_one_takes_the_place(
    installer: ModuleType, tmp_path: Path, home: Path, prefix: Path
) -> None:
    before = everything(prefix)
    old = archive(tmp_path / "syncin-mount-0", "share/man/man1/syncin-mount-gone.1")
    installer.install(old, prefix, PYTHON)
    assert (prefix / "share/man/man1/syncin-mount-gone.1").exists()
    assert installer.install(home, prefix, PYTHON) == []
    assert str(old) not in str(everything(prefix))
    assert not (prefix / "share/man/man1/syncin-mount-gone.1").is_symlink()
    installer.remove(prefix)
    assert everything(prefix) == before


def test_another_installation_of_the_program_is_refused(
    installer: ModuleType, home: Path, prefix: Path
) -> None:
    (prefix / "bin").mkdir()
    (prefix / "bin" / "syncin-mount").symlink_to("/somewhere/pipx/bin/syncin-mount")
    before = everything(prefix)
    with pytest.raises(installer.Refused, match="is there already, and not from an archive"):
        installer.install(home, prefix, PYTHON)
    assert everything(prefix) == before


def test_what_is_another_s_is_told_and_stays(
    installer: ModuleType, home: Path, prefix: Path
) -> None:
    """As `desktop install` leaves it."""
    entry = prefix / "share" / "applications" / "syncin-mount.desktop"
    entry.parent.mkdir()
    entry.write_text("another's\n")
    before = everything(prefix)
    assert installer.install(home, prefix, PYTHON) == [entry]
    assert entry.read_text() == "another's\n"
    installer.remove(prefix)
    assert everything(prefix) == before


def test_what_was_changed_since_stays(installer: ModuleType, home: Path, prefix: Path) -> None:
    installer.install(home, prefix, PYTHON)
    entry = prefix / "share" / "applications" / "syncin-mount.desktop"
    entry.write_text("mine now\n")
    page = prefix / "share" / "man" / "man1" / "syncin-mount.1"
    page.unlink()
    page.symlink_to("elsewhere")
    mine = prefix / "share" / "zsh" / "site-functions" / "_mine"
    mine.write_text("mine\n")
    installer.remove(prefix)
    assert entry.read_text() == "mine now\n"
    assert str(page.readlink()) == "elsewhere"
    assert mine.read_text() == "mine\n"
    assert not (prefix / "bin").exists()


def test_an_interrupted_installation_can_be_taken_away(
    installer: ModuleType, home: Path, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(prefix)

    def full(self: Path, target: str) -> None:
        if "man1" in str(self):
            raise OSError(28, "No space left on device", str(self))
        link(self, target)

    link = Path.symlink_to
    monkeypatch.setattr(Path, "symlink_to", full)
    with pytest.raises(OSError, match="No space left"):
        installer.install(home, prefix, PYTHON)
    monkeypatch.undo()
    assert (prefix / "bin" / "syncin-mount").is_symlink()
    installer.remove(prefix)
    assert everything(prefix) == before


def test_a_damaged_list_is_refused(installer: ModuleType, home: Path, prefix: Path) -> None:
    installer.install(home, prefix, PYTHON)
    listed = prefix / "share" / "syncin-mount" / "archive.json"
    assert json.loads(listed.read_text())["links"]
    for damaged in ('{"links": ', "[]", '{"other": 1}', '{"links": []}'):
        listed.write_text(damaged)
        there = everything(prefix)
        for attempt in (installer.remove, lambda prefix: installer.install(home, prefix, PYTHON)):
            with pytest.raises(installer.Refused, match="cannot be read"):
                attempt(prefix)
        assert everything(prefix) == there


def test_the_unit_for_all_users_is_the_one_that_is_enabled(
    installer: ModuleType, home: Path, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where systemd looks, as below /usr/local: `up --at-login` then enables it."""
    units = str(prefix / "lib" / "systemd" / "user")
    monkeypatch.setattr(installer, "SHIPPED_IN", (units,))
    monkeypatch.setattr(autostart, "SHIPPED_IN", (units,))
    assert autostart.find_shipped_unit(PYTHON, {}) is None
    before = everything(prefix)
    installer.install(home, prefix, PYTHON)
    assert autostart.find_shipped_unit(PYTHON, {}) == Path(units, "syncin-mount.service")
    installer.remove(prefix)
    assert everything(prefix) == before


# --- the two scripts ------------------------------------------------------------------------------


def scripts(folder: Path, python: str) -> Path:
    """The archive's shell scripts, beside an interpreter that is this script."""
    for name, place in (("syncin-mount", "bin"), ("install.sh", ".")):
        (folder / place).mkdir(parents=True, exist_ok=True)
        text = (STANDALONE / name).read_text().replace("@GLIBC@", "2.36")
        (folder / place / name).write_text(text)
        (folder / place / name).chmod(0o755)
    interpreter = folder / "python" / "bin" / "python3"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f"#!/bin/sh\n{python}\n")
    interpreter.chmod(0o755)
    return folder


def run(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *words], capture_output=True, text=True, check=False, env={}, timeout=60
    )


def test_the_program_finds_its_folder_through_links(tmp_path: Path) -> None:
    home = scripts(tmp_path / "a folder", 'printf "%s\\n" "$0" "$@"; exit 3')
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "first").symlink_to("../a folder/bin/syncin-mount")
    (tmp_path / "second").symlink_to("bin/first")
    for program in (home / "bin" / "syncin-mount", tmp_path / "second"):
        done = run(program, "two words", "*")
        assert done.returncode == 3
        assert done.stdout.splitlines() == [
            f"{home}/python/bin/python3",
            "-I",
            f"{home}/python/syncin-mount",
            "two words",
            "*",
        ]


def test_a_system_that_is_too_old_is_told_so(tmp_path: Path) -> None:
    home = scripts(tmp_path, "exit 1")
    done = run(home / "install.sh")
    assert done.returncode == 1
    assert "it needs Linux on " in done.stderr
    assert "with glibc 2.36 or newer" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["syncin-mount", "install.sh"])
def test_a_script_is_for_every_shell(name: str) -> None:
    shell = shutil.which("dash") or "sh"
    subprocess.run([shell, "-n", STANDALONE / name], check=True, timeout=60)
