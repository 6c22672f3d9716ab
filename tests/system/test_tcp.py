"""Whose a connection is: by the kernel's tables, and the text of them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from syncin_mount.system import tcp

if sys.platform != "win32":
    from syncin_mount.system.tcp import linux


def test_the_kernel_knows_who_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert tcp.listener(address) == (os.getpid(), True)
        assert tcp.listener(("127.0.0.2", address[1])) is None
    assert tcp.listener(address) is None


def test_the_kernel_knows_another_process_that_listens() -> None:
    program = (
        "import socket, sys; it = socket.create_server(('127.0.0.1', 0));"
        "print(it.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert tcp.listener(("127.0.0.1", port)) == (other.pid, True)
        other.communicate()


def test_the_kernel_knows_who_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client:
            connection, _ = server.accept()
            with connection:
                assert tcp.is_ours(client.getsockname(), address)
                assert not tcp.is_ours(address, ("127.0.0.1", 1))


def test_a_port_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can listen beside us, whatever it asks for."""
    with socket.socket() as ours, socket.socket() as other:
        tcp.keep_port(ours)
        ours.bind(("127.0.0.1", 0))
        ours.listen()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError):  # noqa: PT011 (its number differs)
            other.bind(ours.getsockname())


# --- Linux's tables -------------------------------------------------------------------------------

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode"


def line(local: str, remote: str, uid: int, inode: int = 77) -> str:
    return f"   1: {local} {remote} 01 00000000:00000000 00:00000000 00000000 {uid:5} 0 {inode} 1"


CLIENT, SERVER = ("127.0.0.1", 0x1234), ("127.0.0.1", 0x8765)
NEAR, FAR = "0100007F:1234", "0100007F:8765"


@pytest.mark.skipif(sys.platform == "win32", reason="of Linux's tables")
@pytest.mark.parametrize(
    ("lines", "uid"),
    [
        ([line(NEAR, FAR, 1000)], 1000),
        ([line(FAR, NEAR, 0), line(NEAR, FAR, 1000)], 1000),  # our own end is not who connected
        ([line(NEAR, "0100007F:8766", 1000)], None),
        ([line(NEAR, FAR, 0, inode=0)], None),  # closed: whose it was, the kernel does not say
        ([line("0000000000000000FFFF0000" + NEAR, "0000000000000000FFFF0000" + FAR, 7)], 7),
        ([], None),
    ],
)
def test_whose_a_connection_is_stands_in_the_kernel_s_table(lines: list[str], uid: int | None):
    assert linux.find(linux.rows([HEAD, *lines]), CLIENT, SERVER) == uid


@pytest.mark.skipif(sys.platform == "win32", reason="of Linux's tables")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_kernel_knows_this_process(family: socket.AddressFamily):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.socket(family) as client:
            client.connect(("::ffff:127.0.0.1" if family is socket.AF_INET6 else "127.0.0.1", port))
            connection, (host, there) = server.accept()
            with connection:
                assert linux.uid_of((host, there), ("127.0.0.1", port)) == os.getuid()
                assert linux.is_ours((host, there), ("127.0.0.1", port))
    assert linux.uid_of((host, there), ("127.0.0.1", port)) is None
