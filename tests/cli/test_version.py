"""`version`: what it tells, whom it asks, and that nobody else ever asks."""

from __future__ import annotations

import contextlib
import gzip
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.errors import Unreachable
from syncin_mount import __version__
from syncin_mount.app.support import versions
from syncin_mount.cli.commands.version import command
from syncin_mount.remote.http.releases import ANSWER_BYTES, is_newer, newest_release
from syncin_mount.store.records import FORMAT

ROOT = Path(__file__).parents[2]


@dataclass
class Releases:
    """A server that tells of releases: what it ``says``, and what it was asked."""

    url: str = ""
    says: bytes = b""
    status: int = 200
    packed: str = ""
    drips: threading.Event | None = None
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def releases() -> Iterator[Releases]:
    found = Releases()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(found.status)
            if found.packed:
                self.send_header("content-encoding", found.packed)
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may be gone
                self.wfile.write(found.says)
                while found.drips is not None and not found.drips.wait(0.05):
                    self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}/releases/latest"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def run(*words: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "syncin_mount", "version", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == status, done.stderr
    return (done.stdout + done.stderr).strip()


def test_it_tells_what_is_here_and_asks_nobody(releases: Releases):
    said = run()
    assert f"program:                {__version__}\n" in said
    assert f"writes {FORMAT}, reads 1 to {FORMAT}\n" in said
    assert f"{sys.version_info[0]}.{sys.version_info[1]}." in said
    assert "pyfuse3" in said
    assert f"from the repository: {ROOT}" in said
    assert releases.asked == []


def test_programs_are_given_json(releases: Releases):
    about = json.loads(run("--json"))
    assert about.pop("fusermount") is None or shutil.which("fusermount3")
    assert about == {
        "version": __version__,
        "replica_format": FORMAT,
        "python": platform.python_version(),
        "pyfuse": importlib.metadata.version("pyfuse3"),
        "installed": "repository",
        "place": str(ROOT),
    }
    assert releases.asked == []
    for says, newer in ((b"99.3", True), (b"0.0.1", False)):
        releases.says = says
        assert json.loads(run("--check", "--at", releases.url, "--json")) == {
            "version": __version__,
            "newest": says.decode(),
            "newer": newer,
            "source": releases.url,
        }


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (b'{"tag_name": "v99.1.0", "name": "Release"}', "version 99.1.0 is there, by URL"),
        (b'{"info": {"name": "syncin-mount", "version": "99.2"}}', "version 99.2 is there, by URL"),
        (b"99.3\n", "version 99.3 is there, by URL"),
        (b'"99.4"', "version 99.4 is there, by URL"),
        (__version__.encode(), f"{__version__} is the newest version, by URL"),
        (b"0.0.1", f"{__version__} is the newest version, by URL"),
    ],
)
def test_the_address_tells_the_newest_one(releases: Releases, says: bytes, told: str):
    releases.says = says
    said = run("--check", "--at", releases.url)
    assert said.startswith(told.replace("URL", releases.url))
    [asked] = releases.asked
    assert asked["user-agent"] == "syncin-mount", "nothing about who asks"
    assert asked.keys() <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


@pytest.mark.parametrize(
    ("says", "status", "why"),
    [
        (b"", 200, "tells of no version"),
        (b"<html>99.1</html>", 200, "tells of no version"),
        (b'{"tag_name": ["99.1"]}', 200, "tells of no version"),
        (b'{"info": null}', 200, "tells of no version"),
        (b"9" * (ANSWER_BYTES + 1), 200, "tells of no version"),
        (b"\xff\xfe\x00", 200, "tells of no version"),
        (b"[" * 200_000, 200, "tells of no version"),
        (b"99.1", 404, "answers with HTTP 404"),
        (b"99.1", 500, "answers with HTTP 500"),
    ],
)
def test_what_tells_nothing_is_one_sentence(releases: Releases, says: bytes, status: int, why: str):
    releases.says, releases.status = says, status
    said = run("--check", "--at", releases.url, status=3)
    assert said.startswith(f"syncin-mount: {releases.url} {why}")
    assert len(said.splitlines()) == 1


def test_what_is_packed_is_not_unpacked(releases: Releases):
    """A few KB may unpack to gigabytes."""
    releases.says, releases.packed = gzip.compress(b"99.1"), "gzip"
    said = run("--check", "--at", releases.url, status=3)
    assert said == f"syncin-mount: {releases.url} tells of no version"
    assert releases.asked[0]["accept-encoding"] == "identity"


def test_an_answer_that_takes_for_ever_is_not_waited_for(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("syncin_mount.remote.http.releases.WITHIN_S", 0.5)
    releases.says, releases.drips = b"99.1", threading.Event()
    try:
        with pytest.raises(Unreachable, match="did not answer within"):
            newest_release(releases.url)
    finally:
        releases.drips.set()


def test_an_address_that_nobody_answers_at():
    said = run("--check", "--at", "http://127.0.0.1:1/", status=3)
    assert "http://127.0.0.1:1/ cannot be asked" in said
    said = run("--check", "--at", "http://user1:secret@127.0.0.1:1/", status=3)
    assert "secret" not in said


@pytest.mark.parametrize(
    "url",
    ["gopher://x", "nonsense", "http://[/", "http://", "http://x:y/", "http://x/" + "y" * 2000],
)
def test_what_is_no_address(url: str):
    said = run("--check", "--at", url, status=2)
    assert f"'{url[:80]}' is no address" in said


def test_without_an_address_it_says_that_it_cannot_know():
    said = run("--check", status=1)
    assert said.endswith("name one: syncin-mount version --check --at URL")
    assert "goes with --check" in run("--at", "http://x", status=2)


POLICY = """\
#!/bin/sh
cat <<TXT
syncin-mount:
  Installed: 0.1.0-1~deb12
  Candidate: {candidate}
  Version table:
TXT
"""


def _apt(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Result:
    """As from the package for Debian, with this apt-cache."""
    (folder / "apt-cache").write_text(script)
    (folder / "apt-cache").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(versions, "_OWN_FOLDER", ROOT)
    return CliRunner().invoke(command, ["--check"])


@pytest.mark.parametrize(
    ("candidate", "told"),
    [
        ("0.2.0-1~deb12", "version 0.2.0-1~deb12 is there, by apt; this is 0.1.0-1~deb12\n"),
        ("0.1.0-1~deb12", "0.1.0-1~deb12 is the newest version, by apt\n"),
        ("0.1.0~git1-1~deb12", "0.1.0-1~deb12 is the newest version, by apt\n"),
    ],
)
def test_debian_s_package_asks_apt_s_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, candidate: str, told: str
):
    done = _apt(tmp_path, monkeypatch, POLICY.format(candidate=candidate))
    assert done.output == f"{told}apt's lists are as old as the last 'apt update'\n"


def test_an_apt_that_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = _apt(tmp_path, monkeypatch, "#!/bin/sh\n")
    assert str(done.exception) == "apt tells nothing of the package syncin-mount"


def test_versions_in_order():
    order = ["0.0.9", "0.1.0rc1", "0.1", "0.1.1", "0.2.0", "0.10.0", "1.0a1", "1.0"]
    for place, lower in enumerate(order):
        assert not is_newer(lower, lower)
        for higher in order[place + 1 :]:
            assert is_newer(higher, lower)
            assert not is_newer(lower, higher)
    assert not is_newer("0.1.0+local", "0.1")


def test_nobody_but_the_command_asks():
    asks = {
        str(path.relative_to(ROOT))
        for folder in ("syncin_mount", "reconciler", "platform/linux")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"newest_release|versions\.newest\b", path.read_text())
    }
    assert asks == {
        "syncin_mount/remote/http/releases.py",
        "syncin_mount/app/support/versions.py",
        "syncin_mount/cli/commands/version.py",
    }


def test_an_archive_is_told_from_an_environment(tmp_path: Path):
    """By what lies in the folder of its Python; a file of that name elsewhere says nothing."""
    place = tmp_path / "python" / "lib" / "python3" / "dist-packages"
    place.mkdir(parents=True)
    (tmp_path / "installer.py").touch()
    assert versions._installed(place) is not versions.Installed.ARCHIVE
    (tmp_path / "python" / "installer.py").touch()
    assert versions._installed(place) is versions.Installed.ARCHIVE
