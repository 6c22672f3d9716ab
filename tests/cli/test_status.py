"""`status` and `status --watch`, with real daemons: in a real terminal of 80 columns, and in
pipes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trio

from tests.cli.conftest import World, seconds, until
from tests.cli.terminals import ESCAPE, environment, terminal
from tests.cli.test_up import ours

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

__all__ = ["ours"]  # a fixture

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def pipe(world: World, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "syncin_mount", *words]
    with subprocess.Popen(
        command, env=environment(world), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("colour", [True, False])
async def test_watch_in_a_terminal_of_80_columns(ours: World, colour: bool):
    await ours.must("up")
    more = {} if colour else {"NO_COLOR": "1"}
    with terminal(ours, "status", "--watch", **more) as seen:
        await seen.expect(r"docs +mounted")
        await seen.expect(r"pics +mounted +(\x1b\[[0-9;]*m)?online.*\n")
        await ours.must("umount", "pics")
        await seen.expect(r"pics +no ")
        seen.child.sendintr()
        assert await seen.end() == 0
    assert "Traceback" not in seen.seen
    assert (
        max(len(line) for line in ESCAPE.sub("", seen.seen).replace("\r", "\n").split("\n")) <= 80
    )
    coloured = [each for each in _COLOUR.findall(seen.seen) if re.search(r"[\[;]3[0-7][;m]", each)]
    assert bool(coloured) is colour


@pytest.mark.parametrize("as_json", [False, True])
async def test_watch_in_a_pipe_tells_each_change_once(ours: World, as_json: bool):
    await ours.must("up")
    with pipe(ours, "status", "pics", "--watch", *(["--json"] if as_json else [])) as process:
        assert process.stdout is not None
        lines = [await trio.to_thread.run_sync(process.stdout.readline)]
        await ours.must("umount", "pics")
        while lines[-1] and not _tells_unmounted(lines[-1]):
            lines.append(await trio.to_thread.run_sync(process.stdout.readline))
        process.send_signal(signal.SIGINT)
        rest, _ = await trio.to_thread.run_sync(process.communicate)
    assert process.returncode == 0
    assert "\x1b" not in "".join(lines) + str(rest)
    if as_json:
        documents = [json.loads(each)[0] for each in lines]
        assert documents[0]["mounted"] is True
        assert documents[0]["supervised"]["phase"] == "up"
        assert documents[-1]["mounted"] is False


def _tells_unmounted(line: str) -> bool:
    return line.startswith("pics  no ") or '"phase": "down"' in line


async def test_a_drive_that_is_not_mounted_says_why_and_when_it_is_tried_again(ours: World):
    ours.drive.mkdir(exist_ok=True)
    (ours.drive / "file").write_text("in the way")
    assert (await ours.run("up")).status == 1

    async def waits_for_long() -> bool:
        docs = next(each for each in await ours.json("status") if each["name"] == "docs")[
            "supervised"
        ]
        return bool(docs["phase"] == "waiting" and seconds(docs["next_try"]) > time.time() + 4)

    await until(waits_for_long, "the pauses grow, so that it is not just being tried")
    said = await ours.must("status")
    assert re.search(r"^docs +no .* again in [0-9]+ s$", said, re.MULTILINE), said
    assert re.search(r"^docs: drive: .*is not empty.*; next try at ", said, re.MULTILINE), said
    one = await ours.must("status", "docs")
    assert re.search(r"^supervised: +waiting$", one, re.MULTILINE), one
    assert "is not empty" in one
    found = {each["name"]: each for each in await ours.json("status")}
    assert found["docs"]["supervised"]["phase"] == "waiting"
    assert "is not empty" in found["docs"]["supervised"]["why"]
    assert seconds(found["docs"]["supervised"]["next_try"]) > 0
    assert found["pics"]["supervised"]["why"] is None
    assert found["pics"]["enabled"] is True


async def test_the_supervisor_is_not_needed(ours: World):
    await ours.must("mount", "docs")
    said = await ours.must("status")
    assert re.search(r"^docs +mounted ", said, re.MULTILINE), said
    assert re.search(r"^pics +no ", said, re.MULTILINE), said


async def test_a_drive_at_rest_tells_its_files_and_bytes(world: World):
    await world.log_in()
    await world.add()
    (told,) = await world.json("status", "docs")
    assert (told["files"], told["bytes"]) == (0, 0)
    for number in range(3):
        (world.disk / f"file {number}").write_text("x" * number)
    await world.must("sync", "docs")
    (told,) = await world.json("status", "docs")
    assert (told["mounted"], told["files"], told["bytes"]) == (False, 3, 3)


async def test_a_monitor_is_told_by_the_status_alone(ours: World):
    await ours.must("up")
    await until(lambda: online(ours), "both are online")
    found = await ours.run("status", "--check")
    assert (found.status, found.out, found.error) == (0, "", "")
    await ours.must("umount", "pics")
    found = await ours.run("status", "--check")
    assert found.status == 1
    assert re.search(r"^pics +no ", found.out, re.MULTILINE), found.out
    assert not re.search(r"^docs ", found.out, re.MULTILINE), found.out
    await ours.must("disable", "pics")
    assert (await ours.run("status", "--check")).status == 0


async def online(world: World) -> bool:
    return all(each["online"] for each in await world.json("status"))


async def test_figures_for_prometheus(ours: World, tmp_path: Path):
    await ours.must("mount", "docs")
    said = await ours.must("metrics")
    assert 'syncin_mount_mounted{drive="docs"} 1\n' in said
    assert 'syncin_mount_mounted{drive="pics"} 0\n' in said
    assert "pics" not in await ours.must("metrics", "docs")
    assert await ours.must("metrics", "--output", "-") == await ours.must("metrics")
    target = tmp_path / "figures.prom"
    target.write_text("former")
    await ours.must("metrics", "docs", "--output", str(target))
    assert target.stat().st_mode & 0o777 == 0o644
    asked = httpx.AsyncHTTPTransport(uds=str(ours.home / "state/run/docs.sock"))
    async with httpx.AsyncClient(transport=asked) as client:
        answer = await client.get("http://drive/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for text in (target.read_text(), answer.text):
        assert 'syncin_mount_mounted{drive="docs"} 1\n' in text
    refused = await ours.run("metrics", "--output", str(tmp_path / "none/figures.prom"))
    assert refused.status == 1
    assert str(tmp_path / "none") in refused.error
