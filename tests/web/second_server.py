"""A second embedded server, in a thread: it speaks TLS with a certificate that nobody verifies, its
account has a second factor, and another user shares a folder with it to read alone."""

from __future__ import annotations

import hashlib
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import trio

from syncin_mount.devserver import DevServer, Share, User, serve
from syncin_mount.devserver.certificate import FILE_NAME, self_signed

PASSWORD, CODE = "another-password", "five-six"

SHARE = "to-read"
"""What ``user2`` may only read, with a file in it."""


@dataclass(frozen=True)
class SecondServer:
    """Where it is, and its certificate's SHA-256 as it is shown."""

    url: str
    fingerprint: str


@contextmanager
def second_server(root: Path) -> Iterator[SecondServer]:
    """``user2`` with `PASSWORD` and the recovery code `CODE`, which is good once."""
    told: queue.Queue[tuple[str, trio.lowlevel.TrioToken, trio.Event]] = queue.Queue()
    users = [User(login=login, password=PASSWORD) for login in ("user1", "user2")]
    share = Share(alias=SHARE, owner="user1", path="shared", members={"user2": ""})
    dev = DevServer(root / "data", users, shares=[share])
    (dev.files_of("user1") / "shared").mkdir(parents=True)
    (dev.files_of("user1") / "shared/read me.txt").write_text("to be read")
    account = dev.store.account_named("user2")
    assert account is not None
    account.totp_secret, account.recovery_codes = "JBSWY3DPEHPK3PXP", [CODE]
    context = self_signed(root, "127.0.0.1")

    async def run() -> None:
        ending = trio.Event()
        async with trio.open_nursery() as nursery:
            running: Any = await nursery.start(partial(serve, dev, tls=context))
            told.put((running.url, trio.lowlevel.current_trio_token(), ending))
            await ending.wait()
            nursery.cancel_scope.cancel()

    thread = threading.Thread(target=trio.run, args=[run], daemon=True)
    thread.start()
    url, token, ending = told.get(timeout=30)
    shown = hashlib.sha256(_der(root / FILE_NAME)).hexdigest()
    pairs = ":".join(shown[at : at + 2] for at in range(0, 64, 2))
    try:
        yield SecondServer(url, pairs.upper())
    finally:
        token.run_sync_soon(ending.set)
        thread.join(30)
        dev.close()


def _der(path: Path) -> bytes:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    text = path.read_text()
    start = text.index(begin)
    return ssl.PEM_cert_to_DER_cert(text[start : text.index(end) + len(end)])
