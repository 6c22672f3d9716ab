"""The table of docs/reference/exit-status.md: each of its commands ends with the status that it
says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from syncin_mount.config import Folders, TokenStore
from syncin_mount.config.folders import HOME_VARIABLE
from tests.cli.in_process import call

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/exit-status.md"
CONFIGURATION = """
[servers.home]
url = "http://127.0.0.1:9"
login = "user1"
client_id = "4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea"

[synchronizations.docs]
server = "home"
remote = "personal/docs"
mountpoint = "/nowhere/docs"

[synchronizations.photos]
server = "home"
remote = "personal/photos"
mountpoint = "/nowhere/photos"
"""


def rows() -> list[tuple[str, int]]:
    text = PAGE.read_text().partition("<!-- tested: exit-statuses -->")[2]
    found = re.findall(r"^\| `syncin-mount ([^`]+)` \| (\d+) \|", text, re.MULTILINE)
    return [(line, int(status)) for line, status in found]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    folders = Folders.find()
    folders.make()
    TokenStore(folders, "4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea").save("a-token")
    return tmp_path


@pytest.mark.parametrize(("line", "status"), rows(), ids=[line for line, _ in rows()])
def test_the_command_ends_as_the_page_says(home: Path, line: str, status: int):
    found, _, error = call(
        shlex.split(line), stdin="", folder=home, environment={"SYNCIN_MOUNT_HOME": str(home)}
    )
    assert found == status, error
    assert error.count("syncin-mount: ") == (status != 0), error


def test_the_table_has_every_kind():
    assert {status for _, status in rows()} >= {0, 1, 2, 3}
    assert len(rows()) > 30


@pytest.mark.parametrize(
    "wrong", ["[servers", '[program]\nlog = "much"\n', CONFIGURATION.replace("home", "away", 1)]
)
def test_a_configuration_that_is_wrong_is_no_usage(tmp_path: Path, wrong: str):
    (tmp_path / "config.toml").write_text(wrong)
    for line in ("list", "status", "sync docs", "mount docs", "up --foreground"):
        status, out, error = call(
            line.split(),
            stdin="",
            folder=tmp_path,
            environment={"SYNCIN_MOUNT_HOME": str(tmp_path)},
        )
        assert (status, out) == (1, ""), error
