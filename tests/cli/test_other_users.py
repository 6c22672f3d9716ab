"""Two users on one machine: what one has is looked at as the other, by processes that really are
the other."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import trio

from syncin_mount.config.files import locked
from syncin_mount.devserver import DevServer, User, serve
from tests.cli.conftest import LIMIT, Done

pytestmark = [pytest.mark.usefixtures("mounts"), pytest.mark.timeout(300)]

PASSWORDS = {"user1": "the-password-of-user1", "user2": "the-password-of-user2"}
ACCOUNTS = {"user1": "games", "user2": "news"}
"""Accounts that every Debian has and nobody uses: fusermount3 wants the name of whoever mounts."""

LOOK = """
import json, os, socket, sys
def attempt(look):
    try:
        look()
    except OSError:
        return False
    return True
def connect(path):
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(path)
seen = []
for path in json.load(sys.stdin):
    looks = {"stat": lambda: os.lstat(path), "list": lambda: os.listdir(path), "read": lambda: open(path, "rb").close(),
             "write": lambda: open(path, "ab").close(), "connect": lambda: connect(path)}
    seen += [f"{how} {path}" for how, look in looks.items() if attempt(look)]
print(json.dumps(seen))
"""


def packages() -> str:
    """Where the program's parts lie, for an interpreter that is not the tests' own."""
    root = Path(__file__).parents[2]
    ours = [str(root), str(root / "platform/linux")]
    return os.pathsep.join([*ours, *(each for each in sys.path if each.endswith("-packages"))])


@cache
def interpreter() -> str:
    """A Python of the tests' version that any user can run: theirs may lie in somebody's home."""
    look = "import pyfuse3, syncin_mount, sys; print(sys.version_info[:2])"
    for program in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
        try:
            done = as_account("user1", [program, "-c", look], {"PYTHONPATH": packages()})
        except OSError:
            continue
        if done.stdout.strip() == str(sys.version_info[:2]):
            return program
    pytest.skip("no Python of this version, or the project itself, can be read by other users")


def as_account(
    who: str,
    command: list[str],
    env: dict[str, str] | None = None,
    *,
    stdin: str = "",
    umask: int = -1,
) -> Any:
    account = pwd.getpwnam(ACCOUNTS[who])
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(env or {})},
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        umask=umask,
    )


@dataclass
class Person:
    """A user of the machine: ``home`` is a folder that others may look into, as many are, and
    ``umask`` keeps nobody out. ``depth`` makes the way to the state folder too long for a socket's
    address."""

    name: str
    base: Path
    url: str
    depth: str = ""
    session: bool = True
    umask: int = 0

    def __post_init__(self) -> None:
        for folder, mode in ((self.home, 0o755), (self.runtime, 0o700)):
            folder.mkdir(parents=True)
            folder.chmod(mode)
            shutil.chown(folder, self.uid, pwd.getpwnam(ACCOUNTS[self.name]).pw_gid)

    @property
    def uid(self) -> int:
        return pwd.getpwnam(ACCOUNTS[self.name]).pw_uid

    @property
    def home(self) -> Path:
        return self.base / self.name

    @property
    def runtime(self) -> Path:
        return self.base / f"runtime-{self.name}"

    @property
    def state(self) -> Path:
        return self.home / f".local/state{self.depth}"

    @property
    def drive(self) -> Path:
        return self.home / "drives/docs"

    @property
    def environment(self) -> dict[str, str]:
        session = {"XDG_RUNTIME_DIR": str(self.runtime)} if self.session else {}
        places = {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.state),
            "TMPDIR": str(self.base / "tmp"),
        }
        return {"PYTHONPATH": packages(), **places, **session}

    async def run(self, *words: str, stdin: str = "") -> Done:
        command = [interpreter(), "-m", "syncin_mount", *words]
        call = partial(
            as_account, self.name, command, self.environment, stdin=stdin, umask=self.umask
        )
        done = await trio.to_thread.run_sync(call)
        return Done(done.returncode, done.stdout, done.stderr)

    async def must(self, *words: str, stdin: str = "") -> str:
        done = await self.run(*words, stdin=stdin)
        assert done.status == 0, (words, done)
        return done.out

    async def log_in(self) -> None:
        words = ("server", "add", "home", self.url, "--login", self.name, "--password-stdin")
        await self.must(*words, stdin=PASSWORDS[self.name] + "\n")
        place = ("--remote", "personal/docs", "--mountpoint", str(self.drive))
        await self.must("add", "docs", "--server", "home", *place)

    async def sh(self, script: str) -> str:
        done = await trio.to_thread.run_sync(partial(as_account, self.name, ["sh", "-c", script]))
        assert done.returncode == 0, done
        return str(done.stdout)

    async def sees(self, paths: list[Path]) -> list[str]:
        """What this user can do with paths: of ``stat``, ``list``, ``read``, ``write`` and
        ``connect``."""
        names = json.dumps([str(path) for path in paths])
        done = await trio.to_thread.run_sync(
            partial(as_account, self.name, [interpreter(), "-c", LOOK], stdin=names)
        )
        assert done.returncode == 0, done
        seen: list[str] = json.loads(done.stdout)
        return seen

    def processes(self) -> list[Path]:
        """Those of this user."""
        return [
            each
            for each in Path("/proc").iterdir()
            if each.name.isdigit() and owner(each) == self.uid
        ]


def owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return -1


def below(folder: Path) -> list[Path]:
    """The folder and all that lies in it. (Root cannot look into a drive either.)"""
    return [folder] + [
        Path(parent) / name
        for parent, folders, files in os.walk(folder)
        for name in (*folders, *files)
    ]


@pytest.fixture
def base() -> Iterator[Path]:
    """A place that everybody may enter, with a folder like /tmp."""
    if os.geteuid() != 0:
        pytest.skip("only root can be two users")
    for path in ("/dev/null", "/dev/urandom"):
        if stat.S_IMODE(os.stat(path).st_mode) & 0o006 != 0o006:
            pytest.skip(f"{path} is closed to other users here, so nothing of theirs runs")
    device = Path("/dev/fuse")
    made = Path(tempfile.mkdtemp(prefix="syncin-users-"))
    with locked(Path(tempfile.gettempdir()) / "syncin-users.lock"):  # each gives it back as it was
        before = stat.S_IMODE(device.stat().st_mode)
        device.chmod(0o666)  # as udev has it; a container's may be root's alone
        try:
            yield from shared(made)
        finally:
            device.chmod(before)
            shutil.rmtree(made)


def shared(made: Path) -> Iterator[Path]:
    """The place itself."""
    made.chmod(0o755)
    (made / "tmp").mkdir()
    (made / "tmp").chmod(0o1777)
    yield made


@pytest.fixture
async def url(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[str]:
    dev = DevServer(
        tmp_path / "data", [User(login=name, password=word) for name, word in PASSWORDS.items()]
    )
    for name in PASSWORDS:
        (dev.files_of(name) / "docs").mkdir()
        (dev.files_of(name) / "docs/letter").write_text(f"of {name}")

    async def run(*, task_status: trio.TaskStatus[Any]) -> None:
        await serve(dev, task_status=task_status)

    running = await nursery.start(run)
    yield running.url
    dev.close()


@pytest.fixture
async def people(base: Path, url: str) -> AsyncIterator[list[Person]]:
    found: list[Person] = []
    yield found
    with trio.CancelScope(shield=True):
        for each in found:
            await each.run("down", "--force")
            await each.run("umount", "--force", "docs")
            if each.drive.is_mount():
                await trio.run_process(["umount", "-l", str(each.drive)], check=False)


async def settled_down(each: Person) -> None:
    """Both drives are mounted, hold files and a version in the bin, and the supervisor looks after
    them."""
    await each.log_in()
    await each.must("up")
    await each.must("sync", "docs")
    await each.sh(
        f"cat {each.drive}/letter && echo more > {each.drive}/secret-plans && rm"
        f" {each.drive}/letter"
    )
    await each.must("sync", "docs", "--wait")


SHAPES = [
    pytest.param("", True, id="session"),
    pytest.param("", False, id="headless"),
    pytest.param("/" + "deep" * 30, True, id="long-way"),
    pytest.param("/" + "deep" * 30, False, id="long-way-headless"),
]


@pytest.mark.parametrize(("depth", "session"), SHAPES)
async def test_two_users_see_nothing_of_each_other(
    people: list[Person], base: Path, url: str, depth: str, session: bool
):
    people += [Person(name, base, url, depth, session) for name in PASSWORDS]
    for each in people:
        await settled_down(each)
    for one, other in (people, people[::-1]):
        theirs = [path for path in below(one.home) + below(one.runtime) if path != one.home]
        theirs += [path for path in below(base / "tmp") if owner(path) == one.uid]
        modes = {path: path.lstat().st_mode for path in theirs if path != one.drive}
        sockets = [path for path, mode in modes.items() if stat.S_ISSOCK(mode)]
        assert len(sockets) == 2, "the drive's and the supervisor's"
        assert sum(path.name == "tokens" for path in theirs) == 1
        allowed = {
            f"stat {path}" for path in theirs if path.parent in {one.home, base, base / "tmp"}
        }
        inside = [one.drive / "secret-plans", one.drive / "new"]
        assert set(await other.sees(theirs + inside)) <= allowed
        assert await one.sees([one.drive / "secret-plans"]), "what looks can see"
        assert [
            path for path, mode in modes.items() if mode & 0o077 and not stat.S_ISLNK(mode)
        ] == []
    await secrets_are_in_no_process(people)


async def secrets_are_in_no_process(people: list[Person]) -> None:
    for one, other in (people, people[::-1]):
        secrets = [
            PASSWORDS[one.name],
            *(path.read_text() for path in (one.state / "syncin-mount/tokens").iterdir()),
        ]
        assert len(secrets) == 2
        running = one.processes()
        assert len(running) >= 2
        for process in running:
            said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            assert not any(secret.encode() in said for secret in secrets)
        hidden = [process / name for process in running for name in ("environ", "fd", "cwd")]
        assert [
            each
            for each in await other.sees(hidden)
            if each.split()[0] in {"list", "read", "write"}
        ] == []


async def test_not_even_root_looks_into_a_users_drive_nor_others_into_roots(
    people: list[Person], base: Path, url: str
):
    """Without allow_other the kernel lets nobody in but who mounted it."""
    people.append(Person("user1", base, url))
    await settled_down(people[0])
    with pytest.raises(PermissionError):
        os.listdir(people[0].drive)
    roots = base / "roots"
    env = {**os.environ, "SYNCIN_MOUNT_HOME": str(base / "root-home")}

    async def root(*words: str, stdin: bytes = b"") -> None:
        command = [sys.executable, "-m", "syncin_mount", *words]
        await trio.run_process(command, env=env, stdin=stdin, capture_stdout=True)

    words = ("--login", "user2", "--password-stdin")
    await root("server", "add", "home", url, *words, stdin=PASSWORDS["user2"].encode() + b"\n")
    await root(
        "add", "docs", "--server", "home", "--remote", "personal/docs", "--mountpoint", str(roots)
    )
    await root("mount", "docs")
    try:
        (roots / "of-root").write_text("x")
        assert await people[0].sees([roots / "of-root", roots]) == []
        own = [path for path in below(base / "root-home") if path != base / "root-home"]
        # The profile's folder was made by the program as well, and closed.
        assert await people[0].sees(own) == []
    finally:
        await root("umount", "docs")


async def test_what_was_open_before_is_closed(people: list[Person], base: Path, url: str):
    one = Person("user1", base, url)
    people.append(one)
    await one.log_in()
    opened = [
        one.home / ".config/syncin-mount",
        one.state / "syncin-mount",
        one.state / "syncin-mount/tokens",
    ]
    for folder in opened:
        folder.chmod(0o777)
    await one.must("status")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in opened[:2]] == [0o755, 0o700]
    await one.must("server", "auth", "home", "--password-stdin", stdin=PASSWORDS["user1"] + "\n")
    assert stat.S_IMODE(opened[2].stat().st_mode) == 0o700


@pytest.mark.parametrize("trap", ["folder", "link"])
async def test_a_folder_in_tmp_that_somebody_made_first_is_not_used(
    people: list[Person], base: Path, url: str, trap: str
):
    one, other = (Person(name, base, url, "/" + "deep" * 30, session=False) for name in PASSWORDS)
    people.append(one)
    await one.log_in()
    place = base / f"tmp/syncin-mount-{one.uid}"
    bait = one.home / "bait"
    await one.sh(f"mkdir {bait} && chmod 755 {bait}")
    await other.sh(f"mkdir -m 777 {place}" if trap == "folder" else f"ln -s {bait} {place}")
    done = await one.run("mount", "docs")
    assert done.status == 1, done
    assert done.error.startswith(f"syncin-mount: the folder {place} ")
    assert not one.drive.is_mount()
    assert stat.S_IMODE(bait.stat().st_mode) == 0o755


async def test_nothing_is_said_to_somebody_elses_socket(people: list[Person], base: Path, url: str):
    one = Person("user1", base, url, "/" + "deep" * 30, session=False)
    people.append(one)
    await one.log_in()
    place = base / f"tmp/syncin-mount-{one.uid}"
    code = (
        "import os, sys; os.environ['XDG_STATE_HOME'] = sys.argv[1]\n"
        "from syncin_mount.config import Folders; f = Folders.find()\n"
        "print(f.socket('docs')); print(f.socket('@supervisor'))"
    )
    command = [interpreter(), "-c", code, str(one.state)]
    names = as_account("user1", command, one.environment).stdout.split()
    assert all(Path(name).parent == place for name in names)
    place.mkdir()
    place.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as drive, socket.socket(socket.AF_UNIX) as supervisor:
        for listener, name in zip((drive, supervisor), names, strict=True):
            listener.bind(name)
            Path(name).chmod(0o777)
            listener.listen()
            listener.setblocking(False)
        [status] = json.loads(await one.must("status", "--json"))
        assert status["mounted"] is False
        assert "docs  home" in await one.must("list")
        for listener in (drive, supervisor):
            assert said_to(listener) == b""
    shutil.rmtree(place)


def said_to(listener: socket.socket) -> bytes:
    """What all who connected have sent."""
    said = b""
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return said
        with connection:
            connection.settimeout(LIMIT)
            while part := connection.recv(4096):
                said += part
