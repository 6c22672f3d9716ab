"""The configuration file: what is written can be read, what people wrote stays, what cannot be read
is not touched."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Conflict, Direction, Mode
from syncin_mount import system
from syncin_mount.config import (
    Configuration,
    ConfigurationError,
    ConfigurationFile,
    Folders,
    Scheduler,
    Server,
    Synchronization,
    Trash,
    Unit,
)
from syncin_mount.config.model import HistorySettings, HookSettings, check_name

CLIENT = "8d4ad0ab-3a8e-4a7b-9f4e-6f4f5a9f2f11"
HOME = Server("home", "http://127.0.0.1:8080", "user1", CLIENT)
MNT = "C:/mnt" if sys.platform == "win32" else "/mnt"
DOCS = Synchronization("docs", "home", "personal/docs", Path(f"{MNT}/docs"))


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)


@pytest.fixture
def file(folders: Folders) -> ConfigurationFile:
    return ConfigurationFile(folders)


def test_nothing_configured_is_no_error(file):
    assert file.read() == Configuration()


def test_what_is_written_is_read(file):
    every = replace(
        DOCS,
        direction=Direction.UPLOAD,
        mode=Mode.SECURE,
        conflict=Conflict.LOCAL,
        scheduler=Scheduler(15, Unit.MINUTE),
        filters=("^a.*", 'quo"te'),
        enabled=False,
        trash=Trash.OWN,
        path_id=7,
        timestamp=1795422379,
        permissions="a:d:m",
    )
    file.update(lambda now: now.with_server(HOME).with_synchronization(every))
    read = file.read()
    assert read.servers == {"home": HOME}
    assert read.synchronizations == {"docs": every}


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    lambda name: check_name(name) is None
)


def add_both(server: Server, synchronization: Synchronization, now: Configuration) -> Configuration:
    return now.with_server(server).with_synchronization(synchronization)


@given(
    names=st.lists(NAMES, min_size=1, max_size=5, unique=True), gone=st.integers(0, 4), login=NAMES
)
def test_any_names_survive_adding_and_removing(tmp_path_factory, names, gone, login):
    base = tmp_path_factory.mktemp("configuration")
    file = ConfigurationFile(Folders(base, base / "state", base / "run", portable=True))
    for number, name in enumerate(names):
        file.update(
            partial(
                add_both,
                Server(name, f"http://h{number}", login, CLIENT),
                Synchronization(name, name, "personal/x", Path(f"{MNT}/{number}")),
            )
        )
    victim = names[gone % len(names)]
    file.update(lambda now: now.without_synchronization(victim).without_server(victim))
    assert set(file.read().servers) == set(names) - {victim}
    assert set(file.read().synchronizations) == set(names) - {victim}


def test_comments_and_order_stay(file):
    file.update(lambda now: now.with_server(HOME).with_synchronization(DOCS))
    other = replace(DOCS, name="other", remote="personal/other", mountpoint=Path(f"{MNT}/other"))
    file.update(lambda now: now.with_synchronization(other))
    text = file.path.read_text()
    text = text.replace(
        "[synchronizations.other]", "# mine, and dear to me\n[synchronizations.other] # here"
    )
    text = text.replace('login = "user1"', 'login = "user1"   # my login')
    file.path.write_text("# the top\n" + text)
    file.update(lambda now: now.with_synchronization(replace(other, enabled=False)))
    file.update(lambda now: now.without_synchronization("docs"))
    kept = file.path.read_text()
    for comment in (
        "# the top\n",
        "# my login",
        "# mine, and dear to me\n[synchronizations.other] # here",
    ):
        assert comment in kept
    assert "enabled = false" in kept
    assert "docs" not in kept


def test_only_the_owner_can_read_it(file):
    file.update(lambda now: now.with_server(HOME))
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(file, tmp_path):
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles/config.toml"
    real.write_text("# elsewhere\n")
    file.path.symlink_to(real)
    file.update(lambda now: now.with_server(HOME))
    assert file.path.is_symlink()
    assert "# elsewhere" in real.read_text()
    assert "[servers.home]" in real.read_text()


GOOD = f"""\
[servers.home]
url = "http://127.0.0.1:8080"
login = "user1"
client_id = "{CLIENT}"

[synchronizations.docs]
server = "home"
remote = "personal/docs"
mountpoint = "{MNT}/docs"
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("[servers.home]", "[servers.home", 1, "this is not TOML"),
        ('login = "user1"', "login = user1", 3, "this is not TOML"),
        ('login = "user1"', "login = 3", 3, "'login' must be a text in quotes"),
        ('login = "user1"\n', "", 1, "lacks 'login'"),
        (
            'url = "http://127.0.0.1:8080"',
            'url = "ftp://x"',
            2,
            "'url' must be an address that begins with https://",
        ),
        ('url = "http://127.0.0.1:8080"', 'url = "http://[::1"', 2, "with the name of a computer"),
        ('url = "http://127.0.0.1:8080"', 'url = "http://a..b"', 2, "with the name of a computer"),
        (
            'url = "http://127.0.0.1:8080"',
            'url = "http://a:b@x"',
            2,
            "without user name and password",
        ),
        (CLIENT, "me", 4, "'client_id' must be the UUID"),
        ('server = "home"', 'server = "work"', 7, r"there is no \[servers.work\]"),
        (
            'remote = "personal/docs"',
            'remote = "personal"',
            8,
            "'remote' must be a folder of the server",
        ),
        (
            'remote = "personal/docs"',
            'remote = "personal/../x"',
            8,
            "'remote' must be a folder of the server",
        ),
        (
            f'mountpoint = "{MNT}/docs"',
            'mountpoint = "docs"',
            9,
            "'mountpoint' must be an absolute path",
        ),
        (
            f'"{MNT}/docs"',
            f'"{MNT}/docs"\ndirection = "up"',
            10,
            '"both" or "upload" or "download"',
        ),
        (f'"{MNT}/docs"', f'"{MNT}/docs"\nscheduler = "often"', 10, "a time as"),
        (f'"{MNT}/docs"', f'"{MNT}/docs"\nfilters = "x"', 10, "a list of texts"),
        (f'"{MNT}/docs"', f'"{MNT}/docs"\nenabled = 1', 10, "true or false"),
        (f'"{MNT}/docs"', f'"{MNT}/docs"\ntrash = "bin"', 10, '"auto" or "desktop" or "own"'),
        (
            f'"{MNT}/docs"',
            f'"{MNT}/docs"\ndirecton = "both"',
            10,
            "'directon' is no setting; did you mean 'direction'. known are",
        ),
        ("[synchronizations.docs]", '[synchronizations."../x"]', 6, "a name has up to 63"),
        ("[servers.home]", "[server.home]", 1, r"only \[program\], \[history\], \[hooks\], \["),
        (
            "[servers.home]",
            "[history]\ndays = 0\n[servers.home]",
            2,
            "'days' must be a whole number from 1 to 36500",
        ),
        (
            "[servers.home]",
            "[history]\ndays = 12345678901234567890123\n[servers.home]",
            2,
            "'days' must be a whole number from 1 to 36500",
        ),
        (
            "[servers.home]",
            "[history]\nmegabytes = true\n[servers.home]",
            2,
            "a whole number from 10 to 1000000",
        ),
        (
            "[servers.home]",
            "[history]\nhours = 1\n[servers.home]",
            2,
            "'hours' is no setting; known are days, megabytes",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_left_alone(file, old, new, line, says):
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    file.path.write_text(text)
    with pytest.raises(ConfigurationError, match=says) as caught:
        file.read()
    assert str(caught.value).startswith(f"{file.path}, line {line}: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        file.update(lambda now: now.without_synchronization("docs"))
    assert file.path.read_text() == text


def test_a_byte_order_mark_is_no_mistake(file):
    file.path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    before = file.read()
    assert set(before.synchronizations) == {"docs"}
    file.update(lambda now: now.without_synchronization("docs"))
    assert not file.read().synchronizations


def test_bytes_that_are_no_text_are_named_with_their_line(file):
    file.path.write_bytes(b"# fine\n\xff\n")
    with pytest.raises(ConfigurationError, match="line 2: this is not UTF-8"):
        file.read()


@pytest.mark.skipif(system.OWNER[0] == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(file):
    file.path.write_text(GOOD)
    file.path.chmod(0)
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Permission denied\)"):
        file.read()


def test_a_folder_in_its_place_is_named(file):
    file.path.mkdir()
    with pytest.raises(ConfigurationError, match=r"cannot be read \(it is no ordinary file\)"):
        file.read()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(file, monkeypatch):
    file.update(lambda now: now.with_server(HOME))
    before = file.path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match=r"No space left on device.*nothing was changed"):
        file.update(lambda now: now.with_synchronization(DOCS))
    assert file.path.read_bytes() == before
    assert {path.name for path in file.path.parent.iterdir()} == {"config.toml", "state"}


def test_a_change_that_raises_leaves_the_file(file):
    file.path.write_text(GOOD)

    def refuse(_now: Configuration) -> Configuration:
        raise LookupError

    with pytest.raises(LookupError):
        file.update(refuse)
    assert file.path.read_text() == GOOD


_WRITER = """
import sys
from syncin_mount.config import ConfigurationFile, Folders, Server
file = ConfigurationFile(Folders.find())
for number in range(10):
    server = Server(f"{sys.argv[1]}{number}", "http://h", "user1", "8d4ad0ab-3a8e-4a7b-9f4e-6f4f5a9f2f11")
    file.update(lambda now: now.with_server(server))
"""


@pytest.mark.slow
def test_writers_in_several_processes_lose_nothing(tmp_path):
    environment = {**os.environ, "SYNCIN_MOUNT_HOME": str(tmp_path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, name], env=environment) for name in "abc"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    names = {f"{name}{number}" for name in "abc" for number in range(10)}
    assert set(ConfigurationFile(folders).read().servers) == names


def test_hooks_are_read_and_never_written(file):
    hooks = '[hooks]  # mine\nafter_run = ["/bin/sh", "-c", "echo \\"$0\\""]\n'
    file.path.write_text(f"{GOOD}\n{hooks}")
    now = file.read()
    assert now.hooks == HookSettings(after_run=("/bin/sh", "-c", 'echo "$0"'))
    for other in (HookSettings(), HookSettings(after_run=("/bin/false",), on_halt=("reboot",))):
        with pytest.raises(ConfigurationError, match="nothing was changed"):
            file.update(lambda now, other=other: replace(now, hooks=other))
        file.update(lambda now: replace(now, tray=not now.tray))
        assert hooks in file.path.read_text()
        assert file.read().hooks == now.hooks


@pytest.mark.parametrize("value", ['"reboot"', "[]", '[""]', "[1]", '["a\\u0000"]', "true"])
def test_a_hook_is_a_list_of_words(file, value):
    file.path.write_text(f"{GOOD}\n[hooks]\non_halt = {value}\n")
    with pytest.raises(ConfigurationError, match="'on_halt' must be a command as a list"):
        file.read()


def test_how_much_history_is_kept_can_be_set_and_stays(file):
    assert file.read().history == HistorySettings(days=180, megabytes=500)
    file.path.write_text(f"{GOOD}\n[history]  # mine\ndays = 30\n")
    assert file.read().history == HistorySettings(days=30, megabytes=500)
    file.update(lambda now: now.without_synchronization("docs"))
    assert file.read().history == HistorySettings(days=30, megabytes=500)
    assert "[history]  # mine\ndays = 30\n" in file.path.read_text()
