"""Who gave no answer is not waited for as long again; who gave one, is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from syncin_mount.control import silence, watching
from syncin_mount.control.client import Client
from syncin_mount.control.failures import NoAnswer
from syncin_mount.control.status_client import read_status
from tests.control.listeners import listen


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A listener that says nothing."""
    path = tmp_path / "a.sock"
    with listen(path):
        yield path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(silence, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(silence, "ANSWERS_S", 0.3)
    monkeypatch.setattr(silence, "SHORT_S", 0.1)
    return now


def test_it_is_remembered_for_a_while(path: Path, clock: list[float]):
    assert silence.patience(path) == 0.3
    with pytest.raises(NoAnswer):
        read_status(path)
    assert silence.patience(path) == 0.1
    clock[0] = silence.REMEMBERED_S + 1
    assert silence.patience(path) == 0.3


def test_another_daemon_gets_all_its_time(path: Path, clock: list[float]):
    silence.silent(path)
    path.unlink()
    with listen(path):
        assert silence.patience(path) == 0.3
    silence.silent(path)
    silence.heard(path)
    assert silence.patience(path) == 0.3


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("who", ["client", "status", "watching"])
async def test_everybody_who_asks_knows_and_tells(path: Path, who: str):
    async def ask() -> None:
        if who == "client":
            async with Client(path) as client:
                await client.status()
        elif who == "status":
            await trio.to_thread.run_sync(read_status, path)
        else:
            await watching.expect_answers(path)

    with trio.fail_after(5), pytest.raises((NoAnswer, watching.Silent)):
        await ask()
    assert silence.patience(path) == 0.1


@pytest.mark.usefixtures("clock")
async def test_a_short_question_proves_nothing(path: Path):
    """One that is slow for a moment does not hang."""
    with pytest.raises(watching.Silent):
        await watching.expect_answers(path, 0.05)
    assert silence.patience(path) == 0.3
