"""Commands in other languages, as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncin_mount.language.catalogues import FOLDER_VARIABLE

CONFIGURATION = """
[servers.home]
url = "https://files.example.org"
login = "user1"
client_id = "1b4e28ba-2fa1-4d2e-883f-0016d3cca427"

[synchronizations.docs]
server = "home"
remote = "personal/Documents"
mountpoint = "/nowhere/Documents"
paused = true
"""

LANGUAGE_VARIABLES = {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", FOLDER_VARIABLE}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "config.toml").write_text(CONFIGURATION)
    return folder


def run(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in LANGUAGE_VARIABLES}
    return subprocess.run(
        [sys.executable, "-m", "syncin_mount", *words],
        env={**inherited, "SYNCIN_MOUNT_HOME": str(home), "PYTHONUTF8": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


pytestmark = pytest.mark.slow  # each starts a process or some

GERMAN, FRENCH = {"LANG": "de_DE.UTF-8"}, {"LANG": "fr_FR.UTF-8"}


@pytest.mark.parametrize(
    ("words", "german", "french"),
    [
        (("list",), "EINHÄNGEPUNKT", "POINT DE MONTAGE"),
        (("list",), "nicht eingebunden", "non monté"),
        (("status",), "LETZTER ABGLEICH", "DERNIÈRE EXÉC."),
        (("status",), "nichts wird synchronisiert bis", "rien n’est synchronisé jusqu’à"),
        (("status", "docs"), "0 Änderungen für den Server", "0 modification pour le serveur"),
        (("--help",), "Den Zustand der Synchronisierungen", "Afficher l’état des synchronisations"),
        (("add", "--help"), "Aufruf: syncin-mount add", "Utilisation : syncin-mount add"),
        (("add", "--help"), "Wohin unterlegene Versionen", "Où vont sur cet ordinateur"),
    ],
)
def test_a_command_speaks_the_language_of_the_locale(home, words, german, french) -> None:
    for environment, text in ((GERMAN, german), (FRENCH, french)):
        done = run(home, *words, **environment)
        assert " ".join(text.split()) in " ".join(done.stdout.split())
        assert done.stderr == ""
    assert german not in run(home, *words, LANG="C.UTF-8").stdout


@pytest.mark.parametrize(
    ("words", "status", "german", "french"),
    [
        (("status", "dosc"), 2, "meinten Sie „docs“?", "vouliez-vous dire « docs » ?"),
        (("stauts",), 2, "es gibt keinen Befehl „stauts“", "il n’y a pas de commande « stauts »"),
        (("add", "--nmae"), 2, "es gibt keine Option „--nmae“", "il n’y a pas d’option « --nmae »"),
        (("sync", "docs"), 1, "„docs“ ist pausiert", "« docs » est en pause"),
    ],
)
def test_errors_speak_it_and_keep_their_status(home, words, status, german, french) -> None:
    for environment, text in ((GERMAN, german), (FRENCH, french)):
        done = run(home, *words, **environment)
        assert text in done.stderr
        assert done.returncode == status == run(home, *words, LANG="C").returncode


@pytest.mark.parametrize(
    "environment",
    [{}, {"LANG": "C"}, {"LANG": "C.UTF-8", "LANGUAGE": "de"}, {"LANG": "tlh_QO.UTF-8"}],
)
def test_without_a_catalogue_it_is_english(home, environment: dict[str, str]) -> None:
    assert "MOUNT POINT" in run(home, "list", **environment).stdout


def test_json_is_the_same_in_every_language(home: Path) -> None:
    for words in (("status",), ("list",), ("scheduler",)):
        said = [run(home, *words, "--json", **each).stdout for each in ({}, GERMAN, FRENCH)]
        texts = [json.loads(each) for each in said]
        assert texts[0] == texts[1] == texts[2]


def test_what_is_set_overrides_the_environment(home: Path) -> None:
    file = home / "config.toml"
    file.write_text(f'{CONFIGURATION}\n[program]\nlanguage = "fr"\n')
    assert "POINT DE MONTAGE" in run(home, "list", **GERMAN).stdout
    file.write_text(f'{CONFIGURATION}\n[program]\nlanguage = "en"\n')
    assert "MOUNT POINT" in run(home, "list", **GERMAN).stdout
    file.write_text(f'{CONFIGURATION}\n[program]\nlanguage = "klingon"\n')
    done = run(home, "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "'language' must be one of de, en, fr" in done.stderr


@pytest.mark.parametrize("damage", ["", "nonsense"])
def test_a_broken_catalogue_is_english_and_no_crash(home: Path, tmp_path: Path, damage) -> None:
    folder = tmp_path / "locale/de/LC_MESSAGES"
    folder.mkdir(parents=True)
    for name in ("program.mo", "help.mo"):
        (folder / name).write_text(damage)
    for words, text in ((("list",), "MOUNT POINT"), (("add", "--help"), "Usage:")):
        done = run(home, *words, LANG="de_DE.UTF-8", **{FOLDER_VARIABLE: str(tmp_path / "locale")})
        assert done.returncode == 0
        assert text in done.stdout


def test_english_loads_no_catalogue_and_nothing_of_babel(home: Path) -> None:
    program = (
        "import sys, syncin_mount.cli as cli\n"
        "try: cli.main(['list'])\n"
        "except SystemExit: pass\n"
        "print([each for each in sys.modules if each.startswith('babel')\n"
        "       or each == 'syncin_mount.language.catalogues'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SYNCIN_MOUNT_HOME": str(home), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "[]"
