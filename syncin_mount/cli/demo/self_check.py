"""The story of the drive, told without hands: the acceptance test that anybody can run.

Every chapter uses the real commands as processes of their own, the real server, a real mount. It
stops with one sentence at the first thing that does not hold.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from syncin_mount.app.drives.views import stays_here
from syncin_mount.cli.demo.tree_compare import TreeEntry, differences, take
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output

if TYPE_CHECKING:
    from syncin_mount.cli.demo.sandbox import Sandbox

_NAME = "check"
_REMOTE = "personal/Check"
_OPERATIONS = "/api/app/sync/operation/"
_WEB_OPERATIONS = "/api/app/spaces/operation/files/"


@dataclass(frozen=True, slots=True)
class Moved:
    """What the user moved: from where to where, and how many files were in it."""

    old: str
    new: str
    files: int


def tell(sandbox: Sandbox, library: Path | None = None, at_least: int = 1000) -> None:
    """The whole story. Raises CommandError (exit status 1) at the first chapter that does not come
    true.

    ``library`` is what is copied in: the standard library of the running Python, or a part of it,
    with ``at_least`` so many files.
    """
    started = time.monotonic()
    drive = sandbox.base / "drive"
    on_server = sandbox.server_files / "Check"
    requests = sandbox.base / "requests-after.jsonl"
    _open(sandbox, drive)
    library = library or Path(sysconfig.get_path("stdlib"))
    copied = _copy_in(sandbox, library, drive, on_server)
    files = sum(thing.kind == "file" for thing in copied.values())
    _hold(files >= at_least, f"{library} has at least {at_least} files")
    output.say("3. The server is killed.")
    sandbox.kill_server()
    moved, edited = _work_offline(drive)
    kept = take(drive)
    _mount_again(sandbox, drive, kept)
    _come_back(sandbox, requests)
    _compare(drive, on_server, kept)
    _prove_moves(requests, moved, edited)
    _prove_journal_empty(sandbox)
    _second_replica(sandbox, drive)
    output.say(f"All of it held: {files} files, {time.monotonic() - started:.0f} s.")


def _open(sandbox: Sandbox, drive: Path) -> None:
    output.say("1. An embedded server, a synchronization, a mounted drive.")
    sandbox.start_server(sandbox.base / "requests-before.jsonl")
    sandbox.log_in("first", "server")
    sandbox.must("first", "remote", "mkdir", _REMOTE, "--server", "server")
    _add_and_mount(sandbox, "first", drive)
    output.say(f"   {sandbox.url}, drive at {drive}")


def _add_and_mount(sandbox: Sandbox, profile: str, drive: Path) -> None:
    sandbox.must(
        profile, "add", _NAME, "--server", "server", "--remote", _REMOTE, "--mountpoint", str(drive)
    )
    sandbox.mount(profile, _NAME)
    _hold(os.path.ismount(drive), f"{drive} is mounted")


def _copy_in(sandbox: Sandbox, library: Path, drive: Path, on_server: Path) -> dict[str, TreeEntry]:
    """The library goes in by `cp -a` and up to the server, whole."""
    output.say(f"2. {library} is copied in with cp -a.")
    # Other people's packages lie in there, too, but are no part of it.
    parts = sorted(
        str(p) for p in library.iterdir() if p.name not in {"site-packages", "dist-packages"}
    )
    target = drive / "library"
    target.mkdir()
    started = time.monotonic()
    done = subprocess.run(
        ["cp", "-a", "-t", str(target), "--", *parts], capture_output=True, text=True, check=False
    )
    _hold(done.returncode == 0, f"cp -a into the drive works ({done.stderr.strip()[:200]})")
    seconds = time.monotonic() - started
    found = take(target)
    original = take(library, lambda path: path in {"site-packages", "dist-packages"})
    _same(original, found, "the copy in the drive and the original")
    files = [thing for thing in found.values() if thing.kind == "file"]
    size = sum(thing.size for thing in files)
    output.say(f"   {len(files)} files, {output.size(size)}, in {seconds:.1f} s")
    started = time.monotonic()
    _sync(sandbox, "first")
    _same(_sent(take(drive)), take(on_server, stays_here), "the drive and the server's disk")
    sent = [thing for thing in _sent(take(drive)).values() if thing.kind == "file"]
    output.say(f"   {len(sent)} files on the server {time.monotonic() - started:.1f} s later")
    local = len(files) - len(sent)
    if local:
        output.say(
            f"   ({local} files in __pycache__ and the like stay local: Sync-in leaves them out)"
        )
    return found


def _work_offline(drive: Path) -> tuple[list[Moved], list[str]]:
    """Edits, new files, renames, moves, deletions. Returns what was moved, and what got new
    content."""
    output.say("4. Work goes on in the drive: editing, creating, renaming, moving, deleting.")
    library = drive / "library"
    edited = ["library/os.py", "library/json/decoder.py", "library/argparse.py"]
    with (drive / edited[0]).open("ab") as file:
        file.write(b"\n# written without a server\n")
    with (drive / edited[1]).open("r+b") as in_place:
        in_place.write(b"#!")
    # As editors save: a new file is renamed over the document.
    temporary = drive / "library/argparse.py.tmp"
    temporary.write_bytes((drive / edited[2]).read_bytes() + b"# saved by rename\n")
    temporary.replace(drive / edited[2])
    (drive / "new.txt").write_text("a file that the server has never seen\n")
    (drive / "new folder/deeper").mkdir(parents=True)
    (drive / "new folder/deeper/näme.bin").write_bytes(bytes(range(256)) * 1000)
    moved = [
        _move(drive, "library/email", "new folder/post"),
        _move(drive, "library/asyncio", "library/asynchronous"),
        _move(drive, "library/this.py", "library/that.py"),
    ]
    (library / "antigravity.py").unlink()
    subprocess.run(["rm", "-r", "--", str(library / "ctypes")], check=True)
    _hold(not (library / "ctypes").exists(), "a deleted folder is gone")
    files = sum(each.files for each in moved)
    output.say(
        f"   3 files edited, 2 created, 1 folder and 1 file deleted, {len(moved)} moves with"
        f" {files} files"
    )
    return moved, edited


def _move(drive: Path, old: str, new: str) -> Moved:
    source = drive / old
    files = (
        sum(thing.kind == "file" for thing in _sent(take(source)).values())
        if source.is_dir()
        else 1
    )
    source.rename(drive / new)
    return Moved(old, new, files)


def _mount_again(sandbox: Sandbox, drive: Path, kept: dict[str, TreeEntry]) -> None:
    output.say("5. Unmounted, and mounted again while the server is down.")
    sandbox.must("first", "umount", _NAME)
    _hold(
        not os.path.ismount(drive) and not any(drive.iterdir()),
        "the mount point is an empty folder meanwhile",
    )
    sandbox.mount("first", _NAME)
    _same(kept, take(drive), "the drive before and after")
    waiting = len(_journal(sandbox))
    _hold(waiting > 0, "the journal lists what waits")
    output.say(f"   everything is still there; {waiting} changes wait for the server")


def _come_back(sandbox: Sandbox, requests: Path) -> None:
    output.say("6. The server comes back; sync.")
    sandbox.start_server(requests)
    started = time.monotonic()
    said = _sync(sandbox, "first")
    output.say(f"   {said} ({time.monotonic() - started:.1f} s)")


def _compare(drive: Path, on_server: Path, kept: dict[str, TreeEntry]) -> None:
    output.say("7. The server's disk and the drive, byte by byte.")
    here = take(drive)
    _same(kept, here, "the drive before and after the synchronization")
    there = take(on_server, stays_here)
    _same(_sent(here), there, "the drive and the server's disk")
    files = [thing for thing in there.values() if thing.kind == "file"]
    output.say(
        f"   {len(files)} files, {output.size(sum(thing.size for thing in files))}: the same"
    )


def _prove_moves(log: Path, moved: list[Moved], edited: list[str]) -> None:
    """One MOVE for each, none of the moved content uploaded; what was edited was."""
    output.say("8. The moves were moves, not uploads.")
    requests = [json.loads(line) for line in log.read_bytes().splitlines()]
    good = [request for request in requests if request["status"] < 300]
    moves = {_path_of(request["path"]) for request in good if request["method"] == "MOVE"}
    uploads = {
        _path_of(r["path"])
        for r in good
        if r["method"] in {"PUT", "POST"} and "size=" in r["query"]
    }
    for each in moved:
        _hold(f"{_REMOTE}/{each.old}" in moves, f"{each.old} went by MOVE")
        for place in (each.old, each.new):
            again = [path for path in uploads if f"{path}/".startswith(f"{_REMOTE}/{place}/")]
            _hold(
                not again, f"nothing of {place} was uploaded again ({', '.join(sorted(again)[:3])})"
            )
    for path in edited:
        _hold(f"{_REMOTE}/{path}" in uploads, f"the new content of {path} was uploaded")
    output.say(
        f"   {len(moves)} MOVE requests for {sum(m.files for m in moved)} files; {len(uploads)}"
        " uploads"
    )


def _path_of(url_path: str) -> str:
    """The remote path that a request is about, in the sync API's words."""
    path = unquote(url_path)
    for prefix in (_OPERATIONS, _WEB_OPERATIONS):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return path


def _prove_journal_empty(sandbox: Sandbox) -> None:
    _hold(_journal(sandbox) == [], "the journal is empty")
    output.say("9. The journal is empty.")


def _second_replica(sandbox: Sandbox, drive: Path) -> None:
    output.say("10. A second, empty replica of the same folder, mounted elsewhere.")
    other = sandbox.base / "second drive"
    sandbox.log_in("second", "server")
    _add_and_mount(sandbox, "second", other)
    started = time.monotonic()
    _sync(sandbox, "second")
    here = take(other)
    _same(_sent(take(drive)), here, "the first drive and the second one")
    output.say(f"   the same tree, complete after {time.monotonic() - started:.1f} s")


def _sync(sandbox: Sandbox, profile: str) -> str:
    return sandbox.must(profile, "sync", _NAME).strip()


def _journal(sandbox: Sandbox) -> list[object]:
    entries: list[object] = json.loads(sandbox.must("first", "journal", _NAME, "--json"))
    return entries


def _sent(tree: dict[str, TreeEntry]) -> dict[str, TreeEntry]:
    """The part of a drive that a server can hold: no links, nothing below a name that Sync-in
    leaves out."""
    return {
        path: thing for path, thing in tree.items() if thing.kind != "link" and not stays_here(path)
    }


def _same(one: dict[str, TreeEntry], other: dict[str, TreeEntry], what: str) -> None:
    found = differences(one, other)
    shown = "; ".join(map(output.printable, found[:5])) + (
        f"; and {len(found) - 5} more" if len(found) > 5 else ""
    )
    _hold(not found, f"{what} are the same ({shown})")


def _hold(holds: bool, what: str) -> None:
    if not holds:
        raise CommandError(f"this does not hold: {what}", Exit.UNFINISHED)
