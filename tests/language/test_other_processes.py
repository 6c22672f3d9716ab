"""What one process makes and another one shows is said in the language of who reads it, which the
first does not know: why a daemon did not start, what keeps the supervisor from its work, and what a
check finds. In a language that nobody speaks, in which a text that was made too early stands out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncin_mount.app.messages import sentence
from syncin_mount.app.messages.store import findings
from syncin_mount.app.processes.spoken import spoken
from syncin_mount.app.support.copy_check import examine_copy, repair_copy
from syncin_mount.control.supervision import Ask, What, ask
from syncin_mount.language import ENGLISH, catalogues, speaking
from syncin_mount.language.catalogues import FOLDER_VARIABLE
from tests.language import test_commands
from tests.language.pseudo import PSEUDO, write_pseudo
from tests.language.test_commands import left_of, said
from tests.web import conftest
from tests.web.conftest import World

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

mounts, world = conftest.mounts, test_commands.world


def forget() -> None:
    """Which catalogues there are: each world has a folder of its own."""
    for each in (catalogues.languages, catalogues.catalogue):
        each.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Before and after everything else of this file."""
    forget()
    yield
    forget()


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """That language, in this process."""
    write_pseudo(tmp_path / "locale" / PSEUDO / "LC_MESSAGES")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "locale"))
    forget()
    with speaking(PSEUDO):
        yield
    monkeypatch.undo()
    forget()


@pytest.fixture(scope="module")
def refusing(forgotten: None, world: World) -> World:
    """Alpha's mount point is not empty, and the supervisor began in English."""
    there = world.add("Alpha", "--every", "1d")
    (there / "0.txt").write_text("0")
    world.must("sync", "Alpha")
    world.drive("Alpha").mkdir(parents=True, exist_ok=True)
    (world.drive("Alpha") / "in the way.txt").write_text("x")
    done = said(world, ("up",), LANG="C.UTF-8")
    assert "is not empty" in done.error
    return world


@pytest.mark.parametrize(
    "words", [("up",), ("status",), ("status", "Alpha"), ("mount", "Alpha"), ("disable", "Alpha"),
              ("enable", "Alpha")]
)  # fmt: skip
def test_why_a_daemon_did_not_start(refusing: World, words: tuple[str, ...]) -> None:
    for _ in range(2):  # by the supervisor, and in what it keeps
        done = said(refusing, words, LANG=f"{PSEUDO}.UTF-8")
        assert left_of(f"{done.out}\n{done.error}") == []
    if words in {("up",), ("mount", "Alpha")}:
        english = said(refusing, words, LANG="C.UTF-8")
        assert "is not empty" in english.error
        german = said(refusing, words, LANG="de_DE.UTF-8")
        assert "nicht leer" in german.error


def test_the_page_has_it_in_the_browsers_language(refusing: World) -> None:
    refusing.enter()
    answers = {
        tag: refusing.post("/api/mount", {"name": "Alpha"}, accept_language=tag).json["but"]
        for tag in ("en", "de", "fr", PSEUDO)
    }
    assert "is not empty" in answers["en"]
    assert "nicht leer" in answers["de"]
    assert "n’est pas vide" in answers["fr"]
    assert left_of(answers[PSEUDO]) == []
    assert not any("syncin-mount" in each for each in answers.values()), "the page has no commands"


def test_what_keeps_the_supervisor_from_the_configuration(refusing: World) -> None:
    file = refusing.folders.config_file
    before = file.read_text()
    file.write_text(before + "\n[nonsense]\n")
    try:
        texts = []
        for language in ("en", "de", PSEUDO):
            with speaking(language):
                texts.append(ask(refusing.folders, Ask(What.LOOK)).trouble or "")
        english, german, strange = texts
        assert "are known" in english
        assert "bekannt" in german
        assert "αяε κησωη" in strange
    finally:
        file.write_text(before)


@pytest.mark.usefixtures("strange")
def test_what_a_check_finds(tmp_path: Path, refusing: World) -> None:
    """Each byte of an index flipped, one at a time, in steps; and each file missing."""
    source = refusing.folders.replica("Alpha")
    left = set[str]()

    def look(damage: str) -> None:
        for work in (examine_copy, repair_copy):
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy)
            hurt(copy, damage)
            try:
                checked = work(copy, contents=False, tell=lambda _: None)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is said)
                left.update(left_of(sentence(error, "Alpha")))
            else:
                left.update(each for line in findings(checked) for each in left_of(line))

    size = (source / "index/data.mdb").stat().st_size
    for at in range(0, size, max(1, size // 40)):
        look(f"{at}")
    for name in ("index/data.mdb", "format", "objects", "journal", "bin"):
        look(name)
    assert left == set()


def hurt(copy: Path, damage: str) -> None:
    path = copy / ("index/data.mdb" if damage.isdigit() else damage)
    if damage.isdigit():
        text = bytearray(path.read_bytes())
        at = int(damage)
        text[at : at + 64] = bytes(255 - each for each in text[at : at + 64])
        path.write_bytes(text)
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        os.unlink(path)


def test_a_sentence_is_kept_in_every_language_and_for_each_reader() -> None:
    from syncin_mount.advice import Reader, writing_for
    from syncin_mount.app.errors import MountpointHoldsFiles

    error = MountpointHoldsFiles("/here")
    kept = spoken(lambda: sentence(error))
    for language in ("en", "de", "fr"):
        for who in Reader:
            with speaking(language), writing_for(who):
                assert sentence(kept) == sentence(error)
    with speaking("xx"):
        assert sentence(kept) == str(kept) == kept.texts[ENGLISH]["terminal"]
