"""Which language somebody is spoken to."""

from __future__ import annotations

import pytest
import trio

from syncin_mount import language
from syncin_mount.cli.users_language import users_file
from syncin_mount.config import Folders
from syncin_mount.language import catalogues, choice


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "de_AT@euro"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "fr_FR", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": ""}, "de"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "nl:fr:de"}, "fr"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "en"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, "en"),
        ({"LANG": "C", "LANGUAGE": "de"}, "en"),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "tlh_QO.UTF-8"}, "en"),
        ({"LANG": "../../de"}, "en"),
    ],
)
def test_the_environment_chooses_as_gettext_does(environment: dict[str, str], wanted: str):
    assert choice.of_environment(environment) == wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("nl,fr-CA;q=0.3,de;q=0.7", "de"),
        ("en;q=0.1,fr;q=0", "en"),
        ("de;q=nonsense,fr;q=0.2", "fr"),
        ("*;q=0.5,\xff;;q=", "en"),
        ("zz," * 1000 + "de", "en"),
    ],
)
def test_the_browser_chooses_by_its_preferences(header: str, wanted: str):
    assert choice.of_browser(header) == wanted


def test_what_is_set_holds_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert choice.of_user() == "fr"
    choice.prefer("de")
    try:
        assert choice.of_user() == "de"
    finally:
        choice.prefer(None)


def test_the_setting_is_read_from_the_configuration(tmp_path):
    file = tmp_path / "config.toml"
    setting = choice.LanguageSetting(file)
    assert setting.now() is None
    for number, (text, wanted) in enumerate(
        [
            ('[program]\nlanguage = "de"\n', "de"),
            ('[program]\nlanguage = "fr_FR"\n', "fr"),
            ('[program]\nlanguage = "klingon"\n', None),
            ("[program]\nlanguage = 3\n", None),
            ('program = "language"\n', None),
            ('[program]\nlanguage = "de\n', None),
            ('[nonsense]\n[program]\nlanguage = "de"\n', "de"),
            ("[program]\n", None),
        ]
    ):
        file.write_text(text + "#" * number)
        assert setting.now() == wanted, text


@pytest.mark.parametrize("variable", ["SYNCIN_MOUNT_HOME", "XDG_CONFIG_HOME", None])
def test_the_setting_is_in_the_file_that_the_program_reads(variable, monkeypatch, tmp_path):
    for name in ("SYNCIN_MOUNT_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "somewhere"))
    assert users_file() == str(Folders.find().config_file)


async def test_a_language_belongs_to_a_task_and_what_it_starts():
    seen: dict[str, str] = {}
    ready = trio.Event()

    async def speaker(which: str) -> None:
        language.speak(which)
        async with trio.open_nursery() as nursery:

            async def child() -> None:
                await ready.wait()
                seen[which] = await trio.to_thread.run_sync(language.current)

            nursery.start_soon(child)

    async with trio.open_nursery() as nursery:
        for which in ("de", "fr"):
            nursery.start_soon(speaker, which)
        await trio.testing.wait_all_tasks_blocked()
        ready.set()
    assert seen == {"de": "de", "fr": "fr"}
    assert language.current() == "en"


def test_each_language_has_its_own_name():
    assert set(catalogues.OWN_NAMES) == catalogues.languages()
