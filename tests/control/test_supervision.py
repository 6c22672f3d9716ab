"""What the supervisor and its callers say to each other, over real connections."""

from __future__ import annotations

from pathlib import Path

import trio

from syncin_mount.config import Folders
from syncin_mount.control.supervision import (
    NAME,
    Answer,
    Ask,
    Phase,
    Supervised,
    What,
    ask,
    serve_supervision,
)


async def test_a_name_that_is_no_text_is_told_as_an_escape(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    """And the supervisor goes on."""
    folders = Folders(tmp_path, tmp_path / "state", tmp_path / "run", portable=True)
    folders.socket(NAME).parent.mkdir(parents=True, mode=0o700, exist_ok=True)

    async def answer(_asked: Ask) -> Answer:
        return Answer(drives=(Supervised("docs", Phase.WAITING, why="no space in /tmp/\udcff"),))

    await nursery.start(serve_supervision, folders.socket(NAME), answer)
    for _ in range(2):
        said = await trio.to_thread.run_sync(lambda: ask(folders, Ask(What.LOOK)))
        assert [each.why for each in said.drives] == [r"no space in /tmp/\udcff"]
