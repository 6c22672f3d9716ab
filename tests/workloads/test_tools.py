"""The small programs that people use every day, each as a user would, in a drive that is being sent
meanwhile."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import shelve
import struct
import sys
import tempfile
from pathlib import Path

import pytest

from tests.programs import needs, run
from tests.workloads.desk import Desk, background


def test_find_by_time_and_sed_in_place(place: Path) -> None:
    for number in range(20):
        (place / f"{number}.txt").write_text(f"old {number}\n")
        os.utime(place / f"{number}.txt", (1_600_000_000 + number, 1_600_000_000 + number))
    found = run("find", ".", "-newer", "15.txt", "-name", "*.txt", cwd=place).split()
    assert sorted(found) == ["./16.txt", "./17.txt", "./18.txt", "./19.txt"]
    assert run("find", place, "-size", "+1k") == ""
    run("sed", "-i.bak", "s/old/new/", "3.txt", "4.txt", cwd=place)
    assert (place / "3.txt").read_text() == "new 3\n"
    assert (place / "3.txt.bak").read_text() == "old 3\n"
    run("sed", "-i", "s/old/newer/", *place.glob("1?.txt"))
    assert run("grep", "-rl", "newer", ".", cwd=place).count("\n") == 10
    assert len(os.listdir(place)) == 22


def test_vim_in_ex_mode(place: Path) -> None:
    needs("vim")
    (place / "text").write_text("one\ntwo\n")
    (place / "text").chmod(0o640)
    for number in range(5):
        run(
            "vim",
            "-u",
            "NONE",
            "-es",
            "-N",
            "+set backup backupskip=",
            f"+$s/$/ {number}/",
            "+wq",
            place / "text",
        )
    assert (place / "text").read_text() == "one\ntwo 0 1 2 3 4\n"
    assert (place / "text~").read_text() == "one\ntwo 0 1 2 3\n"
    assert (place / "text").stat().st_mode & 0o7777 == 0o640
    assert sorted(os.listdir(place)) == ["text", "text~"]


def test_shelve_and_temporary_files(place: Path) -> None:
    for turn in range(3):
        with shelve.open(str(place / "shelf")) as shelf:
            shelf.update({f"{turn}-{number}": list(range(number)) for number in range(100)})
    with shelve.open(str(place / "shelf"), "r") as shelf:
        assert len(shelf) == 300
        assert shelf["2-99"] == list(range(99))
    with (
        tempfile.TemporaryFile(dir=place) as nameless,
        tempfile.NamedTemporaryFile(dir=place) as named,
    ):
        for file in (nameless, named):
            file.write(b"x" * 100_000)
            file.seek(50_000)
            assert file.read() == b"x" * 50_000
        assert Path(named.name).stat().st_size == 100_000
    with tempfile.TemporaryDirectory(dir=place) as folder:
        (Path(folder) / "deeper").mkdir()
        (Path(folder) / "deeper" / "file").touch()
    assert all(name.startswith("shelf") for name in os.listdir(place))


def test_tail_follows(place: Path) -> None:
    log = place / "log"
    log.write_text("first\n")
    # It knows FUSE as remote and looks again and again, instead of asking inotify: every second by
    # itself.
    with background("tail", "-n1", "-s0.05", "-F", log) as tail:
        assert tail.line() == "first"
        with log.open("a") as file:
            for number in range(20):
                file.write(f"line {number}\n")
                file.flush()
                assert tail.line() == f"line {number}"
        log.rename(place / "log.1")  # as logrotate does
        log.write_text("a new log\n")
        while (said := tail.line()).startswith("tail: "):
            pass
        assert said == "a new log"


def seen(folder: Path, script: str, last: str) -> list[tuple[int, str]]:
    """What inotify(7) tells of a script in the folder, until ``last`` is deleted. What is the same
    and follows each other may be told as one, or not."""
    create, modify, moved, attrib, delete = 0x100, 0x2, 0xC0, 0x4, 0x200
    every = create | modify | moved | attrib | delete
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_CLOEXEC)
    assert libc.inotify_add_watch(fd, os.fsencode(folder), every) > 0
    found: list[tuple[int, str]] = []
    try:
        run("sh", "-c", script, cwd=folder)
        while not found or found[-1] != (delete, last):
            assert select.select([fd], [], [], 30)[0], found
            data = os.read(fd, 65536)
            while data:
                _, mask, _, length = struct.unpack_from("iIII", data)
                event = mask & every, data[16 : 16 + length].rstrip(b"\0").decode()
                data = data[16 + length :]
                if not found or found[-1] != event:
                    found.append(event)
    finally:
        os.close(fd)
    return found


def test_inotify_sees_what_is_done_in_the_drive(place: Path, tmp_path: Path) -> None:
    script = (
        "echo one >a; echo two >>a; mv a b; chmod 600 b; mkdir c; ln -s b d; : >b; rm b d; rmdir c;"
        " touch e; rm e"
    )
    found = seen(place, script, "e")
    assert len(found) > 10
    assert found == seen(tmp_path, script, "e")


def test_flock_lets_one_in_at_a_time(place: Path) -> None:
    needs("flock")
    (place / "counter").write_text("0\n")
    step = "n=$(cat counter); echo $((n + 1)) >counter"
    loop = f"for i in 1 2 3 4 5 6 7 8; do flock lock sh -c '{step}'; done"
    with (
        background("sh", "-c", loop, cwd=place) as one,
        background("sh", "-c", loop, cwd=place) as two,
    ):
        assert one.end() + two.end() == ""
    assert (place / "counter").read_text() == "16\n"
    with background("flock", "lock", "sh", "-c", "echo held; read line", cwd=place) as holder:
        assert holder.line() == "held"
        run("flock", "-n", "lock", "true", cwd=place, status=1)
        run("flock", "-n", "-E", "7", "-s", "lock", "true", cwd=place, status=7)
    run("flock", "-w", "60", "lock", "true", cwd=place)


def test_dd_past_the_cache(place: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3 << 20))
    run("dd", f"if={source}", f"of={place / 'direct'}", "bs=64k", "oflag=direct", "conv=fsync")
    assert (place / "direct").read_bytes() == source.read_bytes()
    run("dd", f"if={place / 'direct'}", f"of={tmp_path / 'back'}", "bs=64k", "iflag=direct")
    run("cmp", source, tmp_path / "back")
    # In the middle, without cutting it off.
    run(
        "dd",
        "if=/dev/zero",
        f"of={place / 'direct'}",
        "bs=4k",
        "seek=10",
        "count=2",
        "oflag=direct",
        "conv=notrunc",
    )
    data = source.read_bytes()
    assert (place / "direct").read_bytes() == data[:40960] + bytes(8192) + data[49152:]
    run("dd", "if=/dev/zero", f"of={place / 'sparse'}", "bs=1M", "seek=50", "count=0")
    assert (place / "sparse").stat().st_size == 50 << 20


def test_fallocate_and_truncate(place: Path) -> None:
    """fallocate(1) says what it is told, docs/reference/posix.md why; with -x it does without."""
    needs("fallocate")
    assert "Operation not supported" in run("fallocate", "-l", "1M", place / "file", status=1)
    run("fallocate", "-x", "-l", "1M", place / "file")
    assert (place / "file").stat().st_size == 1 << 20
    run("truncate", "-s", "2M", place / "file")
    run("truncate", "-s", "-512", place / "file")
    run("truncate", "-s", "%4096", place / "file")
    assert (place / "file").stat().st_size == 2 << 20
    run("truncate", "-s", "0", place / "file")
    assert (place / "file").read_bytes() == b""


def test_ln_makes_another_name(place: Path) -> None:
    (place / "a").write_text("a")
    run("ln", "a", "hard", cwd=place)
    assert run("stat", "-c", "%h", "a", cwd=place) == "2\n"
    run("sh", "-c", "echo more >>hard", cwd=place)
    assert run("cat", "a", cwd=place) == "amore\n"
    run("rm", "hard", cwd=place)
    (place / "a").write_text("a")
    run("ln", "-s", "a", "b", cwd=place)
    assert run("cat", "b", cwd=place) == "a"
    run("cp", "-l", "a", "c", cwd=place)
    run("cp", "-rs", place / "a", place / "d")
    assert run("readlink", "-f", "d", cwd=place) == f"{place / 'a'}\n"


def test_du_and_df(desk: Desk, place: Path) -> None:
    (place / "file").write_bytes(b"x" * 1_000_000)
    assert run("du", "-s", "--apparent-size", "-B1", "file", cwd=place).split()[0] == "1000000"
    assert 1_000_000 <= int(run("du", "-s", "-B1", place).split()[0]) <= 1_010_000
    _, line = run("df", "-B1", "--output=fstype,size,avail,target", place).splitlines()
    kind, size, available, target = line.split()
    assert kind.startswith("fuse")
    assert int(size) >= int(available) > 0
    assert target == str(desk.drive)
    _, line = run("df", "--output=itotal", place).splitlines()
    assert int(line) > 0


def test_chmod_and_chown_of_a_tree(place: Path) -> None:
    for number in range(50):
        (place / f"d{number % 5}").mkdir(exist_ok=True)
        (place / f"d{number % 5}" / f"{number}").touch()
    run("chmod", "-R", "u=rwX,go=", ".", cwd=place)
    assert run("find", ".", "-mindepth", "1", "-type", "d", "!", "-perm", "700", cwd=place) == ""
    assert run("find", ".", "-type", "f", "!", "-perm", "600", cwd=place) == ""
    run("chmod", "-R", "a-w,a+x", ".", cwd=place)
    assert run("find", ".", "-type", "f", "-perm", "511", cwd=place).count("\n") == 50
    if os.geteuid() == 0:
        run("chown", "-R", "1234:5678", ".", cwd=place)
        assert run("find", ".", "-uid", "1234", "-gid", "5678", cwd=place).count("\n") == 56
        run("chown", "-R", "0:0", ".", cwd=place)
    run("chmod", "-R", "u=rwX,go=rX", ".", cwd=place)


def test_a_fifo_between_two_programs(place: Path) -> None:
    run("mkfifo", place / "fifo")
    with background("cat", place / "fifo") as reader:
        run("sh", "-c", "seq 1 5000 >fifo", cwd=place)
        assert reader.end() == "".join(f"{number}\n" for number in range(1, 5001))
    assert run("stat", "-c", "%F", place / "fifo") == "fifo\n"
    (place / "fifo").unlink()  # whoever compares what is here would wait for a writer


def test_sort_split_and_shuffle(place: Path) -> None:
    """With their temporary files in the drive, and output over their own input."""
    run("sh", "-c", "seq 1 20000 | shuf >numbers", cwd=place)
    run("sort", "-n", "-S", "64K", "-T", ".", "-o", "numbers", "numbers", cwd=place)
    assert run("sha256sum", "numbers", cwd=place) == run(
        "sh", "-c", "seq 1 20000 | sha256sum"
    ).replace("-", "numbers")
    run("split", "-n", "7", "numbers", "part.", cwd=place)
    run("sh", "-c", "cat part.* | cmp - numbers", cwd=place)
    run("gzip", "-k", "numbers", cwd=place)
    run("sh", "-c", "zcat numbers.gz | cmp - numbers", cwd=place)
    run("patch", "-s", "numbers", cwd=place, stdin="3c3\n< 3\n---\n> three\n")
    assert (place / "numbers").read_text().split()[2] == "three"


def test_a_program_that_runs_from_the_drive_and_is_replaced(place: Path) -> None:
    program = place / "program"
    run("cp", "/bin/cat", program)
    with background(program) as running:
        with pytest.raises(OSError, match="Text file busy") as refused:
            program.open("r+b")
        assert refused.value.errno == errno.ETXTBSY
        run("cp", "--remove-destination", "/bin/echo", program)
        assert run(program, "new") == "new\n"
        assert running.end() == ""


def test_a_server_s_socket(place: Path) -> None:
    code = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.bind('socket'); s.listen();"
        " print('ready', flush=True)\nc, _ = s.accept(); c.sendall(c.recv(100).upper())"
    )
    ask = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('socket');"
        " s.sendall(b'words'); print(s.recv(100))"
    )
    with background(sys.executable, "-c", code, cwd=place) as server:
        assert server.line() == "ready"
        assert run(sys.executable, "-c", ask, cwd=place) == "b'WORDS'\n"
        assert server.end() == ""
    (place / "socket").unlink()


@pytest.mark.timeout(200)
def test_all_that_was_left_is_on_the_server_and_in_a_second_drive(desk: Desk) -> None:
    (desk.drive / "end").write_text("there is always something")
    desk.in_step()
