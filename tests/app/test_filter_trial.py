"""What filters would leave out is counted on the tree as it is: mounted or not, the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from syncin_mount.app.drives import filter_trial
from syncin_mount.app.drives.drive import Drive
from syncin_mount.app.drives.filter_trial import in_loop, trial_of
from syncin_mount.app.runtime.runtime import open_runtime
from syncin_mount.app.settings.filters import changed, set_filters, why_left_out
from syncin_mount.config import ConfigurationFile
from syncin_mount.config.filters import FilterError
from syncin_mount.control.failures import ControlError
from syncin_mount.control.service import NotDone
from syncin_mount.control.tree_messages import Trial, TrialRequest
from syncin_mount.store.types import NodeType
from tests.app.test_drive import SERVER, Computer
from tests.store.support import make, open_replica

Answer = TypeVar("Answer")

FILES = ("a.tmp", "docs/b.tmp", "docs/c.txt", "build/x/d.o", "build/e.o", "build/.DS_Store")


@pytest.fixture
async def computer(tmp_path: Path) -> Computer:
    """With six files that the server does not have; each holds its path."""
    computer = Computer(tmp_path)
    async with open_runtime(computer.folders, SERVER, computer.docs, alone=True) as runtime:
        replica = runtime.replica
        for folder in ("docs", "build", "build/x"):
            make(replica, folder, NodeType.FOLDER)
        for path in FILES:
            make(replica, path, data=path.encode())
    return computer


def request(present: tuple[str, ...], *rules: str) -> TrialRequest:
    return TrialRequest(present, changed(present, add=rules))


async def both(computer: Computer, ask: Callable[[Drive], Awaitable[Answer]]) -> list[Answer]:
    """What the unmounted drive answers, and the mounted one."""
    answers: list[Answer] = []
    async with computer.drive() as drive:
        answers.append(await ask(drive))
    async with computer.mounted(), computer.drive() as drive:
        assert drive.mounted
        answers.append(await ask(drive))
    return answers


async def trial(computer: Computer, wanted: TrialRequest) -> Trial:
    unmounted, mounted = await both(computer, lambda drive: drive.trial(wanted))
    assert unmounted == mounted
    return mounted


async def test_a_rule_leaves_out_what_it_says(computer: Computer):
    found = await trial(computer, request((), "ends-with:.tmp"))
    assert (found.out.files, found.out.folders, found.out.bytes) == (2, 0, 5 + 10)
    assert [each.path for each in found.out.examples] == ["a.tmp", "docs/b.tmp"]
    assert found.out.pending == 2
    assert (found.again.files, found.whole) == (0, True)


async def test_a_folder_goes_with_everything_in_it_and_is_named_once(computer: Computer):
    found = await trial(computer, request((), "path:build"))
    # .DS_Store is left out already
    assert (found.out.files, found.out.folders, found.out.bytes) == (2, 2, 11 + 9)
    assert [(each.path, each.folder) for each in found.out.examples] == [("build", True)]


async def test_what_a_rule_left_out_alone_comes_again_without_it(computer: Computer):
    present = (".*.tmp$", "build", ".*b.tmp$")
    found = await trial(computer, TrialRequest(present, changed(present, remove=["build"])))
    assert (found.again.files, found.again.folders) == (2, 2)
    found = await trial(computer, TrialRequest(present, changed(present, remove=[".*.tmp$"])))
    assert [each.path for each in found.again.examples] == ["a.tmp"]
    assert found.out.files == 0


async def test_a_rule_that_cannot_be_is_told(computer: Computer):
    async with computer.drive() as drive:
        with pytest.raises(NotDone, match="no regular expression"):
            await drive.trial(TrialRequest((), ("(.*",)))
    async with computer.mounted(), computer.drive() as drive:
        with pytest.raises(ControlError, match="no regular expression"):
            await drive.trial(TrialRequest((), ("(.*",)))


async def test_folders_are_told_to_choose_from(computer: Computer):
    top, again = await both(computer, lambda drive: drive.folder(""))
    assert top == again
    assert [(each.name, each.kind) for each in top] == [
        ("build", "folder"),
        ("docs", "folder"),
        ("a.tmp", "file"),
    ]
    [inner, _] = await both(computer, lambda drive: drive.folder("build/x"))
    assert [(each.name, each.size) for each in inner] == [("d.o", 11)]
    async with computer.drive() as drive:
        with pytest.raises(NotDone, match=r"no folder 'a\.tmp'"):
            await drive.folder("a.tmp")
    async with computer.mounted(), computer.drive() as drive:
        with pytest.raises(ControlError, match="no folder 'none'"):
            await drive.folder("none")


async def test_a_drive_without_a_local_copy_has_nothing(tmp_path: Path):
    async with Computer(tmp_path).drive() as drive:
        assert (await drive.trial(request((), "*.tmp"))).looked == 0
        assert await drive.folder("") == []


async def test_a_large_tree_is_looked_at_for_a_time_and_lets_others_run(tmp_path: Path):
    replica = open_replica(tmp_path / "docs")
    for number in range(50):
        make(replica, f"{number}.tmp")
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += filter_trial.LONGEST_S / 20
        return now

    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        found = await in_loop(trial_of(replica, request((), "*.tmp")), clock)
        nursery.cancel_scope.cancel()
    assert not found.whole
    assert 0 < found.out.files == found.looked < 50
    assert others > 5
    replica.close()


async def test_filters_are_set_and_what_cannot_be_changes_nothing(computer: Computer):
    await set_filters(computer.folders, "docs", lambda now: changed(now, add=["*.tmp", "*.tmp"]))
    file = ConfigurationFile(computer.folders)
    assert file.read().synchronizations["docs"].filters == (".*.tmp$",)
    with pytest.raises(FilterError):
        await set_filters(computer.folders, "docs", lambda now: changed(now, add=["regexp:("]))
    many = [f"path:{number}" for number in range(101)]
    with pytest.raises(FilterError, match="up to 100 filters"):
        await set_filters(computer.folders, "docs", lambda now: changed(now, add=many))
    await set_filters(computer.folders, "docs", lambda now: changed(now, remove=[".*.tmp$"]))
    assert file.read().synchronizations["docs"].filters == ()


def test_the_reason_is_the_rule_or_the_name():
    assert str(why_left_out("a/b.tmp", (".*.tmp$",))) == "ends-with:.tmp"
    assert why_left_out("x/.DS_Store", ()) == ".DS_Store"
    assert str(why_left_out("/old/a/b", ("old",))) == "path:old"
    assert why_left_out("new/a", ("old",)) is None
