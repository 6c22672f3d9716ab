"""`doctor --collect`: what a bug report has in it, and what it must not have, in any state of
things."""

from __future__ import annotations

import json
import os
import re
import stat
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from syncin_mount.devserver import Reply, Rule
from tests.cli.conftest import PASSWORD, World
from tests.cli.test_accounts import client_of

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

NAMES = ("Zanzibar", "Kilimanjaro", "secret plan")
CONTENT = "what-nobody-but-me-may-read"


def parts_of(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        found = {}
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            found[member.name.partition("/")[2]] = file.read().decode()
        return found


async def worked_with(world: World) -> None:
    """Logged in, with a mounted drive in which something failed and something waits."""
    await world.log_in()
    await world.add()
    await world.must("mount", "docs")
    for name in NAMES:
        (world.drive / f"{name}.txt").write_text(CONTENT)
    world.dev.faults.add(Rule(Reply(403), path="*Kilimanjaro.txt*"))
    await world.run("sync", "docs")
    await world.stop()
    (world.drive / "Zanzibar.txt").write_text(CONTENT + CONTENT)
    await world.run("sync", "docs")
    await world.start()


async def mounted(world: World) -> None:
    """As it is."""


async def unmounted(world: World) -> None:
    await world.must("umount", "docs")


async def damaged(world: World) -> None:
    await world.must("umount", "docs")
    index = world.home / "state/replicas/docs/index/data.mdb"
    index.write_bytes(os.urandom(index.stat().st_size))


async def misconfigured(world: World) -> None:
    await world.must("umount", "docs")
    world.config.write_text(world.config.read_text() + f"\nthis is no TOML, with the {PASSWORD}\n")


async def offline(world: World) -> None:
    await world.stop()


@pytest.mark.parametrize("state", [mounted, unmounted, damaged, misconfigured, offline])
async def test_a_report_has_what_is_needed_and_neither_names_nor_content_nor_secrets(
    world: World, state: Callable[[World], Awaitable[None]]
):
    await worked_with(world)
    await state(world)
    path = world.base / "report.tar.gz"
    said = await world.must("doctor", "--collect", str(path))
    assert "Look at it before you send it to anybody." in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    parts = parts_of(path)
    assert "fusermount3 version" in json.loads(parts["versions.json"])["fusermount3"]
    assert "ok     /dev/fuse" in parts["doctor.txt"]
    own = [
        world.url.partition("://")[2],
        "user1",
        str(world.base),
        world.base.name,
        "personal/docs",
    ]
    for text in parts.values():
        for word in (*NAMES, *own, CONTENT, PASSWORD, client_of(world).token, client_of(world).id):
            assert word not in text
        assert "could not be collected" not in text or state is damaged
    if state is misconfigured:
        assert "cannot be read" in parts["settings.json"]
        return
    assert "level=info" in parts["sync-1/log"]
    failed = {each["path"] for each in json.loads(parts["sync-1/failures.json"])}
    assert all(re.fullmatch(r"x\d+\.txt", each) for each in failed)
    assert any(f"{each}: " in parts["sync-1/log"] for each in failed), (
        "the same name by the same stand-in"
    )
    assert json.loads(parts["settings.json"])["synchronizations"][0]["direction"] == "both"
    assert "not looked at" in parts["sync-1/check.txt"] or state not in {mounted, offline}
    if state is damaged:
        assert "all is in order" not in parts["sync-1/check.txt"]
    else:
        assert json.loads(parts["sync-1/status.json"])["mounted"] is (state is not unmounted)
        assert sum(json.loads(parts["sync-1/journal.json"])["what"].values()) >= (
            0 if state is mounted else 1
        )


async def test_names_stay_where_they_are_wanted_and_secrets_do_not(world: World):
    await worked_with(world)
    found = await world.json("doctor", "--collect", str(world.base / "r.tar.gz"), "--with-names")
    assert found["names"] is True
    parts = parts_of(Path(found["file"]))
    for name in ("failures.json", "log"):
        assert "Kilimanjaro.txt" in parts[f"sync-1/{name}"], (
            "so a name is there to be replaced in the other test"
        )
    assert world.url in parts["settings.json"]
    assert not any(client_of(world).token in text or CONTENT in text for text in parts.values())
    assert {part["name"] for part in found["parts"]} | {"README.txt"} == set(parts)


async def test_nothing_is_written_over_and_nothing_configured_is_fine(world: World):
    path = world.base / "there"
    path.write_text("mine")
    assert "there is a file" in await world.refused("doctor", "--collect", str(path), status=1)
    assert path.read_text() == "mine"
    assert "nowhere" in await world.refused(
        "doctor", "--collect", str(world.base / "nowhere/x"), status=1
    )
    assert "--with-names goes with --collect" in await world.refused("doctor", "--with-names")
    await world.must("doctor", "--collect")
    [made] = world.base.glob("syncin-mount-report-*.tar.gz")
    assert "Python" in parts_of(made)["doctor.txt"]
