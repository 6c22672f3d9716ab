"""`serve` as a process: the URL, the files it writes, a clean stop, one sentence for every
mistake."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from syncin_mount.cli.commands.serve import serve

SCRIPT = "from syncin_mount.cli.commands.serve import serve; serve()"


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=20)


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_prints_its_url_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    ready, log = tmp_path / "ready", tmp_path / "log"
    arguments = [
        "--root",
        str(tmp_path),
        "--user",
        "user1:pw",
        "--ready-file",
        str(ready),
        "--request-log",
        str(log),
    ]
    with running(*arguments, "--space", "team:user1") as process:
        url = url_of(process)
        assert ready.read_text() == f"{url}\n"
        assert httpx.get(url).status_code == 200
        token = httpx.post(
            f"{url}/api/auth/token", json={"login": "user1", "password": "pw"}
        ).json()["access"]
        tree = httpx.get(
            f"{url}/api/app/spaces/tree/spaces", headers={"Authorization": f"Bearer {token}"}
        ).json()
        assert [space["name"] for space in tree] == ["team"]
        assert stop(process, number) == (0, "")
    assert not ready.exists()
    record = json.loads(log.read_text().splitlines()[0])
    assert (record["method"], record["path"], record["status"]) == ("GET", "/", 200)
    assert (tmp_path / "users/user1/files").is_dir()
    assert (tmp_path / "spaces/team/files").is_dir()


@pytest.mark.slow
def test_a_client_that_does_not_read_cannot_hold_the_stop_up(tmp_path: Path) -> None:
    with running("--root", str(tmp_path), "--user", "user1:pw") as process:
        url = url_of(process)
        (tmp_path / "users/user1/files/big").write_bytes(bytes(64 << 20))
        token = httpx.post(
            f"{url}/api/auth/token", json={"login": "user1", "password": "pw"}
        ).json()["access"]
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
            head = (
                "GET /api/app/sync/operation/personal/big HTTP/1.1\r\nHost: x\r\nAuthorization:"
                " Bearer"
            )
            connection.sendall(f"{head} {token}\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
            assert stop(process, signal.SIGTERM) == (0, "")


def memory_peak(process: subprocess.Popen[str]) -> int:
    """Bytes of resident memory at most so far."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return (
        int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
        * 1024
    )


@pytest.mark.slow
def test_memory_does_not_grow_with_the_size_of_a_file(tmp_path: Path) -> None:
    piece, count = bytes(1 << 20), 128
    with running("--root", str(tmp_path), "--user", "user1:pw") as process:
        url = url_of(process)
        token = httpx.post(
            f"{url}/api/auth/token", json={"login": "user1", "password": "pw"}
        ).json()["access"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
        before = memory_peak(process)
        target = f"{url}/api/app/sync/operation/personal/big"
        query = {"size": len(piece) * count, "mtime": 1700000000}
        answer = httpx.post(
            target, params=query, headers=headers, content=(piece for _ in range(count)), timeout=60
        )
        assert answer.status_code == 201
        with httpx.stream("GET", target, headers=headers, timeout=60) as download:
            assert sum(len(part) for part in download.iter_raw()) == len(piece) * count
        assert memory_peak(process) - before < 32 << 20


@pytest.mark.slow
def test_users_from_a_file_and_a_password_made_up(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with running("--root", str(root)) as process:
        url_of(process)
        assert process.stdout is not None
        assert "log in as user1 with the password" in process.stdout.readline()
    file = tmp_path / "users"
    file.write_text("# people\n\nuser2:pass:word\n")
    with running("--root", str(root), "--users-file", str(file)) as process:
        url = url_of(process)
        for _ in range(2):
            answer = httpx.post(
                f"{url}/api/auth/token", json={"login": "user2", "password": "pass:word"}
            )
            assert answer.status_code == 201


def test_fault_rules_from_a_file_follow_its_changes(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"effect": "reply", "status": 503}]')
    with running("--root", str(tmp_path), "--user", "user1:pw", "--faults", str(file)) as process:
        url = url_of(process)
        assert httpx.get(url).status_code == 503
        file.write_text("[]")
        assert httpx.get(url).status_code == 200


def refused(*arguments: str) -> str:
    result: Result = CliRunner().invoke(serve, arguments)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    return result.output


def test_mistakes_get_one_sentence(tmp_path: Path) -> None:
    plain = tmp_path / "file"
    plain.write_text("{")
    assert "does not exist" in refused("--root", str(tmp_path / "none"))
    assert "is no folder" in refused("--root", str(plain))
    assert "LOGIN:PASSWORD" in refused("--root", str(tmp_path), "--user", "nobody")
    assert "folder" in refused("--root", str(tmp_path), "--user", "../x:y")
    assert "ALIAS:LOGIN" in refused("--root", str(tmp_path), "--space", "team")
    assert "cannot be read" in refused(
        "--root", str(tmp_path), "--users-file", str(tmp_path / "none")
    )
    assert "cannot be used" in refused("--root", str(tmp_path), "--faults", str(plain))
    assert "cannot start" in refused(
        "--root", str(tmp_path), "--user", "a:b", "--request-log", "/proc/none"
    )
    (tmp_path / "devserver.json").write_text("{")
    assert "is damaged" in refused("--root", str(tmp_path), "--user", "a:b")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        root = tmp_path / "other"
        root.mkdir()
        port = str(taken.getsockname()[1])
        assert "is in use" in refused("--root", str(root), "--user", "a:b", "--port", port)


@pytest.mark.slow
def test_one_server_a_root(tmp_path: Path) -> None:
    with running("--root", str(tmp_path), "--user", "user1:pw") as process:
        assert url_of(process)
        assert "Another server" in refused("--root", str(tmp_path), "--user", "user1:pw")


@pytest.mark.slow
def test_a_killed_server_can_be_started_again_at_once(tmp_path: Path) -> None:
    with running("--root", str(tmp_path), "--user", "user1:pw") as process:
        port = url_of(process).rpartition(":")[2]
    before = time.monotonic()
    with running("--root", str(tmp_path), "--port", port) as process:
        assert httpx.get(url_of(process)).status_code == 200
    assert time.monotonic() - before < 20
