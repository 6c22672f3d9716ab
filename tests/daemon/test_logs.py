from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount.config import LogLevel
from syncin_mount.logs import files as logs
from syncin_mount.logs.logfmt import Entry, entry_of, line_of, without_secrets
from tests.small_disk import small_disk

HERE = logging.getLogger("syncin_mount.here")
TIME = dt.datetime(2026, 11, 26, 16, 41, 16, 123000, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in logs._OURS]
    before, levels = root.handlers[:], [each.level for each in (root, *ours)]
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    for each, level in zip((root, *ours), levels, strict=True):
        each.setLevel(level)


@pytest.mark.parametrize(
    "msg",
    [
        "plain",
        "two words",
        'a "quoted" \\ one',
        "a\nlevel=error msg=forged",
        "\x1b[2J\u202e\u2028\x85",
        "",
        "msg=x",
        "päth 🙂",
    ],
)
def test_a_line_is_one_line_and_says_what_was_meant(msg: str):
    entry = Entry(TIME, "info", "docs", "reconciler.requests.connectivity", msg, {"error": "a\nb"})
    line = line_of(entry)
    assert line.isprintable()
    assert entry_of(line) == entry
    assert line.startswith(
        "time=2026-11-26T16:41:16.123Z level=info sync=docs from=reconciler.requests.connectivity"
        " msg="
    )


@pytest.mark.parametrize(
    "line", ["Fatal Python error: Aborted", "", "time=never level=info", 'msg="open', "a=b c"]
)
def test_what_is_no_record_is_none(line: str):
    assert entry_of(line) is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abc.def-123456", "Authorization: [secret] [secret]"),
        ("said eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl!", "said [secret]!"),
        ("https://user1:hunter2@host/x", "https://user1:[secret]@host/x"),
        ('{"clientToken": "6f1c", "b": 1}', '{"clientToken": "[secret]", "b": 1}'),
        ("sync-in-csrf=abc; path=/", "sync-in-csrf=[secret]; path=/"),
        ("there is no token for it here", "there is no token for it here"),
        ("personal/password list.txt: refused", "personal/password list.txt: refused"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, left: str):
    assert without_secrets(text) == left


def test_the_log_is_private_and_names_cannot_forge_lines(tmp_path: Path):
    path = tmp_path / "logs/docs.log"
    logs.log_to(path)
    HERE.info("the file %s", "a\nERROR forged \x1b[2J \udcff", extra={"fields": {"run": 3}})
    HERE.debug("not asked for")
    logging.getLogger("httpx").info("GET http://h/?token=x")
    try:
        int("token=6f1c")
    except ValueError:
        HERE.exception("failed")
    first, second = (entry_of(line) for line in path.read_text().splitlines())
    assert first is not None
    assert second is not None
    assert (first.sync, first.source) == ("docs", "syncin_mount.here")
    assert (first.msg, first.fields) == ("the file a\nERROR forged \x1b[2J \udcff", {"run": "3"})
    assert second.fields["error"].endswith("literal for int() with base 10: 'token=[secret]'")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("level", "debug", "said"),
    [
        (LogLevel.WARNING, "", ["w"]),
        (LogLevel.INFO, "", ["i", "w"]),
        (LogLevel.DEBUG, "", ["d", "i", "w"]),
        (LogLevel.WARNING, "1", ["d", "i", "w"]),
    ],
)
def test_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: LogLevel, debug: str, said: list[str]
):
    monkeypatch.setenv(logs.DEBUG_VARIABLE, debug)
    logs.log_to(tmp_path / "docs.log", level)
    HERE.debug("d")
    HERE.info("i")
    HERE.warning("w")
    assert [
        line.rpartition("=")[2] for line in (tmp_path / "docs.log").read_text().splitlines()
    ] == said


def test_the_files_are_few_and_bounded_and_whoever_is_overtaken_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs, "_BYTES", 2000)
    path = tmp_path / "docs.log"
    other = logs._file(path)
    other.handle(HERE.makeRecord(HERE.name, logging.INFO, "", 0, "before", (), None))
    logs.log_to(path)
    for number in range(200):
        HERE.info("message %d", number)
    other.handle(HERE.makeRecord(HERE.name, logging.INFO, "", 0, "after", (), None))
    other.close()
    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["docs.log", *(f"docs.log.{n}" for n in (1, 2, 3))]
    assert all(each.stat().st_size <= 2000 for each in files)
    assert "msg=after" in path.read_text()
    assert 'msg="message 199"' in path.read_text() + files[1].read_text()


def test_a_full_disk_stops_nobody_and_the_gap_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    with small_disk(tmp_path / "disk", "tmpfs", 1) as disk:
        path = disk.path / "logs/docs.log"
        logs.log_to(path)
        HERE.info("before")
        disk.fill()
        for number in range(100):
            HERE.info("lost %d %s", number, "x" * 100)
        disk.free()
        HERE.info("after")
        text = path.read_text()
        logging.getLogger().handlers[-1].close()
    found = [entry_of(line) for line in text.splitlines()]
    said = [entry.msg for entry in found if entry is not None]
    assert said[0] == "before"
    assert said[-1] == "after"
    assert "messages before this could not be written" in said[-2]
    assert capfd.readouterr() == ("", "")
