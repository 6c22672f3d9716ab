"""The command language: one order for all commands, the former one kept, and what was meant by a
word that is none."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from syncin_mount.cli.command_group import ALIASES, COMMANDS, OTHER_WORDS, group
from syncin_mount.cli.man_page import commands
from syncin_mount.cli.verb_group import DriveVerbs, in_order, unknown_verb
from syncin_mount.suggestions import closest, did_you_mean
from tests.cli.in_process import call

VERBS = ("list", "add", "remove", "test")

CONFIGURATION = """
[servers.home]
url = "http://127.0.0.1:9"
login = "user1"
client_id = "4bae3d6f-7ae9-43d9-97ee-8dd61c2131ea"

[synchronizations.docs]
server = "home"
remote = "personal/docs"
mountpoint = "/mnt/docs"

[synchronizations."my photos"]
server = "home"
remote = "personal/photos"
mountpoint = "/mnt/photos"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str, str]:
    return call(words, stdin="", folder=home, environment={"SYNCIN_MOUNT_HOME": str(home)})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("add docs *.tmp", "add docs *.tmp"),
        ("docs add *.tmp", "add docs *.tmp"),
        ("docs", "list docs"),
        ("docs --json", "list docs --json"),
        ("--json docs", "list --json docs"),
        ("docs list --json", "list docs --json"),
        ("list", "list"),
        ("", "list"),
        ("--help", "--help"),
        ("docs add --help", "add docs --help"),
        # a drive that is called as a verb is
        ("add add list", "add add list"),
        ("list list", "list list"),
        ("docs remove remove", "remove docs remove"),
    ],
)
def test_the_verb_comes_first(given: str, expected: str):
    assert in_order(given.split(), VERBS, ["-h", "--help"]) == expected.split()


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ("ad docs x", "ad"),
        ("docs ad x", "ad"),
        ("dosc ad x", "dosc"),
        ("lst", "lst"),
        ("docs", None),
        ("dosc", None),
        ("docs --json", None),
        ("anything", None),
        ("add docs x", None),
        ("docs add x", None),
        ("", None),
    ],
)
def test_a_word_that_is_no_verb(given: str, wrong: str | None):
    assert unknown_verb(given.split(), VERBS, ("docs", "photos")) == wrong


def test_every_command_of_a_drive_has_the_verb_before_the_name():
    for path, command in commands():
        assert all(word in {*COMMANDS} or word.islower() for word in path), path
        if isinstance(command, click.Group):
            assert not [each for each in command.params if isinstance(each, click.Argument)], path


@pytest.mark.parametrize(
    ("new", "former"),
    [
        ("filter add docs ends-with:.bak", "filter docs add ends-with:.bak"),
        ("filter remove docs 1", "filter docs remove 1"),
        ("filter list docs --json", "filter docs list --json"),
        ("filter test docs a.bak", "filter docs test a.bak"),
        ("bin list docs --local", "bin docs list --local"),
        ("bin empty docs --local --yes", "bin docs empty --local --yes"),
        ("bin restore docs 7", "bin docs restore 7"),
        ("journal list docs", "journal docs"),
        ("journal hold docs 17", "journal docs hold 17"),
        ("journal release docs 17", "journal docs release 17"),
        ("journal discard docs 17", "journal docs discard 17"),
    ],
)
def test_the_former_order_does_the_same(home: Path, new: str, former: str):
    said = []
    for words in (new, former):
        (home / "config.toml").write_text(CONFIGURATION)
        if "remove" in words:
            run(home, "filter", "add", "docs", "ends-with:.bak")
        status, out, error = run(home, *words.split())
        said.append((status, out, error, (home / "config.toml").read_text().count(".bak")))
    assert said[0] == said[1]
    assert said[0][0] in {0, 1}, said[0]


def test_no_help_shows_the_former_order_or_an_alias():
    help_ = CliRunner().invoke(group, ["--help"]).output
    assert not [alias for alias in ALIASES if f"  {alias} " in help_]
    for path, command in commands():
        if isinstance(command, DriveVerbs):
            shown = CliRunner().invoke(group, [*path, "--help"]).output
            assert "VERB NAME" in shown
            assert f"{path[0]} NAME add" not in shown


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_the_command(home: Path, alias: str):
    assert run(home, alias, "docs")[1:] == run(home, ALIASES[alias], "docs")[1:]


@pytest.mark.parametrize("words", ["", "filter", "filter add", "server auth"])
def test_help_is_a_command_too(home: Path, words: str):
    assert run(home, "help", *words.split()) == run(home, *words.split(), "--help")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("statsu", "status"),
        ("Status", "status"),
        ("mounts", "mount"),
        ("filter ad docs x", "add"),
        ("filter docs ad x", "add"),
        ("bin restor docs 1", "restore"),
        ("journal hodl docs 1", "hold"),
        ("server lsit", "list"),
        ("clients rm x", None),
        ("remote lss", "ls"),
        ("completion instal", "install"),
        ("status --jsno", "--json"),
        ("sync docs --dryrun", "--dry-run"),
        ("filter list docs --jsn", "--json"),
        ("edit docs --mode fsat", "fast"),
        ("edit docs --direction dwnload", "download"),
        ("edit docs --conflict recents", "recent"),
        ("scheduler sequental", "sequential"),
        ("status dosc", "docs"),
        ("sync DOCS", "docs"),
        ("mount my-photos", "my photos"),
        ("bin list dcos", "docs"),
        ("filter dcos", "docs"),
        ("server auth hom", "home"),
        ("remote ls --server hmoe", "home"),
        ("login", "server"),
        ("rm docs", "remove"),
        ("history", "transfers"),
        ("frobnicate", None),
        ("sync frobnicate", None),
    ],
)
def test_what_was_meant_is_told(home: Path, given: str, meant: str | None):
    status, out, error = run(home, *given.split())
    assert (status, out) == (2, "")
    assert error.count("\n") == 1
    if meant is None:
        assert "did you mean" not in error
    else:
        assert f"did you mean '{meant}'?" in error


def test_what_was_meant_in_the_configuration_is_told(home: Path):
    (home / "config.toml").write_text(CONFIGURATION.replace("remote =", 'mod = "fast"\nremote ='))
    status, _, error = run(home, "list")
    assert status == 1
    assert "'mod' is no setting; did you mean 'mode'?" in error
    (home / "config.toml").write_text("[server.home]\n")
    assert "did you mean 'servers'?" in run(home, "list")[2]


def test_every_other_word_names_a_command():
    assert {*OTHER_WORDS.values()} <= {*COMMANDS}
    assert not {*OTHER_WORDS} & {*COMMANDS, *ALIASES}


def test_suggestions():
    assert closest("dcos", ["docs", "photos"]) == "docs"
    assert closest("DOCS", ["docs"]) == "docs"
    assert closest("x", ["docs"]) is None
    assert did_you_mean("x", []) == ""
    assert did_you_mean("fotos", ["docs", "photos"]) == "; did you mean 'photos'?"


def test_a_list_is_the_same_with_and_without_its_verb(home: Path):
    for name in ("filter", "bin", "journal"):
        shown = run(home, name, "my photos", "--json")
        assert shown == run(home, name, "list", "my photos", "--json")
        if name != "bin":
            assert json.loads(shown[1]) == []
