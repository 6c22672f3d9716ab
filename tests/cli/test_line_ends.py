"""Names with characters that end a line for some: lines of JSON, mount table and TOML end with a
line feed alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncin_mount import mount_table
from syncin_mount.config.file import _without_table
from tests.cli.conftest import World

pytestmark = pytest.mark.timeout(300)

ENDS = ["\u2028", "\u2029", "\x85", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\n"]
"""All that ``str.splitlines`` splits at."""


@pytest.mark.usefixtures("mounts")
async def test_names_that_end_lines_end_no_command(world: World):
    await world.log_in()
    await world.add("--trash", "own")
    await world.must("mount", "docs", "--manual")
    names = [f"a{end}b" for end in ENDS]
    for name in names:
        (world.drive / name).write_text("1")
        (world.drive / f"folder{name}").mkdir()
    waiting = await world.json("journal", "docs")
    assert {each["path"] for each in waiting} == {*names, *(f"folder{name}" for name in names)}
    await world.must("journal", "docs")
    await world.must("sync", "docs", "--wait")
    assert {path.name for path in world.disk.iterdir()} == {
        *names,
        *(f"folder{name}" for name in names),
    }
    for name in names:
        (world.drive / name).write_text("22")
    numbers = {each["path"]: str(each["number"]) for each in await world.json("journal", "docs")}
    await world.must("journal", "discard", "docs", *numbers.values())
    kept = await world.json("bin", "list", "docs", "--local")
    assert {each["path"] for each in kept} == set(names)
    told = await world.json("transfers", "docs")
    assert set(names) <= {each["path"] for each in told}
    for words in (
        ("bin", "list", "docs"),
        ("transfers", "docs"),
        ("status",),
        ("explain", "docs", names[0]),
    ):
        said = await world.run(*words)
        assert said.status == 0, said
        assert not set(ENDS[:3]) & set(said.out)
    await world.must("umount", "docs")
    assert await world.json("bin", "list", "docs", "--local") == kept


def test_a_mount_table_is_read_with_any_mount_point_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ours cannot have such a name, as the configuration refuses it; another program's can."""
    table = tmp_path / "mountinfo"
    points = [f"/mnt/an{end}other" for end in ENDS[:-1]]
    lines = [
        f"1 2 0:3 / {point} rw - fuse.other source rw" for point in (*points, "/home/user1/drive")
    ]
    table.write_bytes("".join(f"{line}\n" for line in lines).encode())
    monkeypatch.setattr(mount_table, "_MOUNTS", table)
    assert [str(mount.point) for mount in mount_table.mounts()] == [*points, "/home/user1/drive"]


def test_a_heading_in_the_middle_of_a_line_is_none():
    text = "[servers.a]\n# \u2028[servers.b]\nlogin = 'x'\n[servers.b]\nlogin = '\x85[servers.b]'\n"
    assert (
        _without_table(text, ("servers", "b")) == "[servers.a]\n# \u2028[servers.b]\nlogin = 'x'\n"
    )
