"""Logging in again on the page, with a second factor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from syncin_mount.config import Folders
from syncin_mount.devserver import DevServer, User, serve
from syncin_mount.supervisor.supervisor import Supervisor
from syncin_mount.web.server import PageServer
from tests.cli import in_process
from tests.web.test_server import post

PASSWORD, CODE, OTHER_CODE = "a-password", "one-two", "three-four"


@pytest.fixture
async def server(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[DevServer]:
    """One that this computer is logged in to, before a second factor was switched on."""
    dev = DevServer(tmp_path / "data", [User(login="user1", password=PASSWORD)])
    running: Any = await nursery.start(serve, dev)
    words = ("server", "add", "cloud", running.url, "--login", "user1", "--password-stdin")
    home = {"SYNCIN_MOUNT_HOME": str(tmp_path / "home")}

    def call() -> tuple[int, str, str]:
        return in_process.call(words, stdin=f"{PASSWORD}\n", folder=tmp_path, environment=home)

    assert (await trio.to_thread.run_sync(call))[0] == 0
    account = dev.store.account_named("user1")
    assert account is not None
    account.totp_secret, account.recovery_codes = "JBSWY3DPEHPK3PXP", [CODE, OTHER_CODE]
    yield dev
    dev.close()


async def test_a_code_is_asked_for_and_given(
    server: DevServer, tmp_path: Path, nursery: trio.Nursery
):
    home = tmp_path / "home"
    folders = Folders(home, home / "state", home / "run", portable=True)
    page = PageServer(folders, Supervisor(folders), nursery)
    address, _, ticket = (await page.address()).partition("/#ticket=")
    port = int(address.rpartition(":")[2])

    async def ask(path: str, body: object, token: str = "") -> tuple[int, Any]:
        said = b""
        async with await post(port, path, body, token) as stream:
            while b"}" not in said:
                said += await stream.receive_some()
        return int(said.split()[1]), json.loads(said.partition(b"\r\n\r\n")[2])

    token = (await ask("/api/token", {"ticket": ticket}))[1]["token"]
    words = {"server": "cloud", "password": PASSWORD, "code": None}
    status, answer = await ask("/api/log-in", words, token)
    assert (status, answer["help"]) == (409, "code")
    status, answer = await ask("/api/log-in", words | {"code": "wrong"}, token)
    assert (status, answer["help"]) == (409, None)
    status, answer = await ask("/api/log-in", words | {"code": CODE}, token)
    assert (status, answer) == (200, {"but": None})
    account = server.store.account_named("user1")
    assert account is not None
    assert account.recovery_codes == [OTHER_CODE]
