"""What loses in a mounted drive lies in the desktop's trash, and comes back from there as any file
would."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import World, until
from tests.trash.support import Seen, look_into

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]


@pytest.fixture
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home trash of every command that the test runs."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "GNOME")
    return tmp_path / "xdg/Trash"


async def lose(world: World) -> None:
    """A document that was edited on both sides; the server's version is the more recent one."""
    (world.drive / "papers").mkdir()
    (world.drive / "papers/my doc.txt").write_text("common")
    await world.must("sync", "docs")
    await world.stop()
    (world.drive / "papers/my doc.txt").write_text("edited here")
    (world.disk / "papers/my doc.txt").write_text("edited there")
    os.utime(world.disk / "papers/my doc.txt", (4_000_000_000, 4_000_000_000))
    await world.start()
    await world.must("sync", "docs")
    assert (world.drive / "papers/my doc.txt").read_text() == "edited there"


async def test_the_loser_lies_in_the_desktop_s_trash_and_can_be_put_back(world: World, trash: Path):
    await world.log_in()
    await world.add("--trash", "desktop")
    await world.must("mount", "docs")
    assert (await world.json("status", "docs"))[0]["bin"] == f"the desktop's trash, {trash}"
    assert f"docs: what loses here goes to {trash}" in await world.must("doctor")
    await lose(world)

    async def there() -> bool:
        return (trash / "files/my doc.txt").exists()

    await until(there, "the loser in the trash")
    place = f"{world.drive}/papers/my doc.txt"
    assert look_into(trash) == [Seen("my doc.txt", place, b"edited here")]
    own = world.home / "state/replicas/docs/bin"

    async def moved() -> bool:
        return list(own.iterdir()) == []

    await until(moved, "an empty bin of the synchronization's own")
    # What a file manager does, once the user made room.
    (world.drive / "papers/my doc.txt").unlink()
    shutil.move(trash / "files/my doc.txt", place)
    (trash / "info/my doc.txt.trashinfo").unlink()
    await world.must("sync", "docs")
    assert (world.disk / "papers/my doc.txt").read_text() == "edited here"


async def test_a_portable_profile_keeps_it_whatever_the_session_is(world: World, trash: Path):
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    assert (await world.json("status", "docs"))[0]["bin"] == (
        "the synchronization's own, as everything of this profile lies in one folder"
    )
    assert re.search(r"^trash: +auto$", await world.must("show", "docs"), re.MULTILINE)
    await lose(world)
    own = world.home / "state/replicas/docs/bin"

    async def there() -> bool:
        return [path.read_text() for path in own.glob("*/my doc.txt")] == ["edited here"]

    await until(there, "the loser in the bin")
    assert not trash.parent.exists()


async def test_a_trash_that_is_refused_is_told_by_the_status(world: World, trash: Path):
    trash.mkdir(parents=True)
    trash.chmod(0o777)
    await world.log_in()
    await world.add("--trash", "desktop")
    await world.must("mount", "docs")
    await lose(world)

    async def told() -> bool:
        return "others may write to" in (await world.json("status", "docs"))[0]["bin"]

    await until(told, "the reason in the status")
    assert list(trash.iterdir()) == []
    findings = {
        finding["what"]: finding["verdict"]
        for finding in json.loads((await world.run("doctor", "--json")).out)
    }
    why = f"others may write to {trash}; take that from them: chmod go-w '{trash}'"
    assert findings[f"docs: the desktop's trash cannot be used: {why}"] == "wrong"
    log = (world.home / "state/logs/docs.log").read_text()
    assert log.count("others may write to") == 1
    (kept,) = (world.home / "state/replicas/docs/bin").glob("*/my doc.txt")
    assert kept.read_text() == "edited here"
