"""The listing's stream: pure parsing, cut anywhere, and what it costs."""

from __future__ import annotations

import json
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ListingBroken
from reconciler.model import Entry
from syncin_mount.devserver import CutResponse, Rule, StopListing
from syncin_mount.remote import Folder, ListingOptions
from syncin_mount.remote.decoding import entries
from syncin_mount.remote.http.chunks import Coalescer
from syncin_mount.remote.listing import BATCH_BYTES, BrokenStream, ListingParser, request_body
from tests.server.support import World, answer, listed, put, scripted

DIR = b'{"d":[true,0,1700000000,7,null]}\n'
FILE = '{"d/é #1?.txt":[false,11,1700000001,8,"%s"]}\n'.encode() % (b"ab" * 32)


def parse(stream: bytes, cuts: tuple[int, ...] = ()) -> list[Entry]:
    parser = ListingParser()
    entries: list[Entry] = []
    before = 0
    for cut in (*sorted(cuts), len(stream)):
        entries += parser.feed(stream[before:cut])
        before = max(before, cut)
    parser.close()
    return entries


def test_a_listing() -> None:
    assert parse(DIR + FILE + b"done") == [
        Entry("d", True, 0, 1700000000, 7),
        Entry("d/é #1?.txt", False, 11, 1700000001, 8, "ab" * 32),
    ]
    assert parse(b"done") == []


@given(st.lists(st.integers(0, len(DIR + FILE + b"done")), max_size=4).map(tuple))
def test_pieces_end_anywhere(cuts: tuple[int, ...]) -> None:
    stream = DIR + FILE + b"done"
    assert parse(stream, cuts) == parse(stream)


@pytest.mark.parametrize("length", range(len(DIR + FILE + b"done")))
def test_every_cut_is_seen(length: int) -> None:
    with pytest.raises(BrokenStream):
        parse((DIR + FILE + b"done")[:length])


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"done\n",
        b"done" + DIR,
        DIR + b"done\n" + FILE + b"done",
        DIR + b"Unable to parse path\n",
        b"<html></html>done",
        b'["a"]\ndone',
        b"{}\ndone",
        b"x" * 2_000_000,
    ],
)
def test_what_is_no_listing(stream: bytes) -> None:
    with pytest.raises(BrokenStream):
        parse(stream)


WRONG = [
    b"null",
    b"7",
    b'"x"',
    b"{}",
    b"[]",
    b"[false,1,2,3]",
    b"[false,1,2,3,null,5]",
    b'["filtered"]',
    b'["what",true]',
    b"[false,-1,2,3,null]",
    b"[false,9223372036854775808,2,3,null]",
    b"[false,1e400,2,3,null]",
    b"[false,1.5,2,3,null]",
    b'[false,"1",2,3,null]',
    b"[false,true,2,3,null]",
    b"[false,null,2,3,null]",
    b"[false,[1],2,3,null]",
    b"[false,5,20000000000,55,null]",
    b"[false,1,-9223372037,3,null]",
    b"[false,1,1.0,3,null]",
    b"[false,1,NaN,3,null]",
    b"[false,1,Infinity,3,null]",
    b"[false,1,true,3,null]",
    b"[false,1,2,true,null]",
    b"[false,1,2,null,null]",
    b"[false,1,2,3.5,null]",
    b"[1,1,2,3,null]",
    b"[null,1,2,3,null]",
    b"[false,1,2,3,4]",
    b'[false,1,2,3,""]',
    b'[false,1,2,3,"AB"]',
    b'[false,1,2,3,"\\ud800"]',
    b"[false,1,2,3,true]",
    b'["error",5]',
    b'["filtered",1]',
    b"9" * 5000,
    b"[false," + b"9" * 5000 + b",2,3,null]",
    b"[" * 200 + b"]" * 200,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b"[false,1",
    b"[false,1,2,3,nul",
    b"",
    b"\xff",
]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value[:40]))
def test_a_wrong_entry_is_one_problem(value: bytes) -> None:
    first, bad, last = parse(DIR + '{"d/wröng":'.encode() + value + b"}\n" + FILE + b"done")
    assert bad.path == "d/wröng"
    assert bad.problem
    assert bad.problem.isprintable()
    assert first.problem is last.problem is None


@pytest.mark.parametrize(
    ("value", "entry"),
    [
        (b"[false,0,-9223372036,3,null]", Entry("a", False, 0, -9223372036, 3)),
        (
            b"[false,9223372036854775807,9223372036,3,null]",
            Entry("a", False, 2**63 - 1, 9223372036, 3),
        ),
        (b"[false,1,-1,9223372036854775807,null]", Entry("a", False, 1, -1, 2**63 - 1)),
        (b"[false,1,2,18446744073709552000,null]", Entry("a", False, 1, 2, 0)),
        (b"[false,1,2,-7,null]", Entry("a", False, 1, 2, 0)),
    ],
)
def test_bounds_are_legal(value: bytes, entry: Entry) -> None:
    assert parse(DIR + b'{"a":' + value + b"}\n" + FILE + b"done")[1] == entry


def test_a_line_may_tell_several_entries() -> None:
    assert parse(b'{"a":[false,1,2,3,null],"b":[false,-1,2,3,null]}\ndone')[0] == Entry(
        "a", False, 1, 2, 3
    )
    assert parse(b'{"a":[false,1,2,3,null],"b":[false,-1,2,3,null]}\ndone')[1].problem


def test_bytes_that_are_no_text_are_a_problem_of_their_entry() -> None:
    assert parse(b'{"\xff":[false,1,2,3,null]}\n' + DIR + b"done")[0].problem


def test_problems_and_filters() -> None:
    entries = parse(
        b'{"bad":["error","Error: ENOENT, stat'
        b' \'x\\u0007\'"]}\n{"dir":["filtered",true]}\n{"f":["filtered",false]}\n' + DIR + b"done"
    )
    assert [entry.path for entry in entries] == ["bad", "dir", "f", "d"]
    assert entries[0].problem is not None
    assert "ENOENT" in entries[0].problem
    assert "\a" not in entries[0].problem
    assert [(e.filtered, e.is_folder) for e in entries[1:]] == [
        (True, True),
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        ".",
        "../x",
        "a/..",
        "a/../b",
        "./a",
        "a/.",
        "a/./b",
        "/a",
        "a/",
        "a//b",
        "a\0b",
        "x" * 256,
        "é" * 128,
        "a/" + "y" * 300 + "/b",
        "\udc00",
    ],
)
def test_names_that_could_escape_are_problems(path: str) -> None:
    line = json.dumps({path: [False, 1, 2, 3, None]}).encode() + b"\n"
    first, bad, last = parse(DIR + line + FILE + b"done")
    assert bad.problem is not None
    assert bad.path == path.replace("\udc00", "\\udc00"), "nothing could print half a pair"
    assert first.problem is last.problem is None


@pytest.mark.parametrize(
    "path",
    [
        "...",
        "..a",
        "a..",
        ".a/b",
        "a/.git/x",
        "x" * 255,
        "é" * 127,
        "/".join(["z" * 200] * 9),
        "a\\b",
        "a\nb",
    ],
)
def test_odd_but_good_names(path: str) -> None:
    line = json.dumps({path: [False, 1, 2, 3, None]}, ensure_ascii=False).encode() + b"\n"
    assert parse(line + b"done") == [Entry(path, False, 1, 2, 3)]


names = st.text(st.sampled_from("ab.é/\0\n\\"), max_size=12)
rows = st.tuples(
    st.booleans(), st.integers(0, 2**60), st.integers(-9, 2**33), st.integers(0, 2**64), st.none()
)


@given(st.lists(st.tuples(names, rows), min_size=1, max_size=8))
def test_a_batch_and_its_lines_come_to_the_same(
    lines: list[tuple[str, tuple[object, ...]]],
) -> None:
    encoded = [json.dumps({path: row}).encode() + b"\n" for path, row in lines]
    odd = b'{"e":["error",""]}\n'  # sends the whole batch the slow way
    assert entries(b"".join(encoded)) == entries(odd + b"".join(encoded))[1:]


@pytest.mark.slow
def test_what_it_costs() -> None:
    """Within a few times of json.loads a line, so that nobody makes it dear unseen; the benchmarks
    know the figure."""
    lines = [
        json.dumps(
            {
                f"folder-{n // 100}/sub-{n % 7}/a file {n}.txt": [
                    False,
                    n,
                    1700000000 + n,
                    n + 5,
                    None,
                ]
            }
        )
        for n in range(20_000)
    ]
    stream = "\n".join([*lines, "done"]).encode()

    def ours() -> float:
        before = time.process_time()
        assert len(parse(stream, tuple(range(0, len(stream), 65536)))) == len(lines)
        return time.process_time() - before

    def plain() -> float:
        before = time.process_time()
        for line in lines:
            json.loads(line)
        return time.process_time() - before

    assert min(ours() for _ in range(5)) < 3 * min(plain() for _ in range(5))


# The request ----------------------------------------


async def test_the_request() -> None:
    plain, gzipped = await request_body(ListingOptions())
    assert not gzipped
    assert json.loads(plain) == {
        "secureDiff": False,
        "firstSync": True,
        "defaultFilters": [],
        "pathFilters": None,
    }


async def test_the_snapshot() -> None:
    entries = [Entry("a", False, 1, 2, 3, "ff"), Entry('q"/é', True, 0, 2, 4)]
    packed, gzipped = await request_body(
        ListingOptions(secure=True, snapshot=lambda: entries, default_filters=("x",))
    )
    assert gzipped
    assert json.loads(zlib.decompress(packed, wbits=31)) == {
        "secureDiff": True,
        "firstSync": False,
        "defaultFilters": ["x"],
        "pathFilters": None,
        "snapshot": {"a": [False, 1, 2, 3, "ff"], 'q"/é': [True, 0, 2, 4, None]},
    }


async def test_a_snapshot_that_is_too_big_is_left_out() -> None:
    entry = Entry("x" * 1000, False, 1, 2, 3, "f" * 64)
    packed, gzipped = await request_body(
        ListingOptions(secure=True, snapshot=lambda: [entry] * 60_000)
    )
    assert not gzipped
    assert json.loads(packed)["firstSync"] is True


async def test_secure_mode(world: World) -> None:
    await put(world.folder, "f", b"abc")
    secure = Folder(
        world.session, "personal/x", world.folder._id, options=ListingOptions(secure=True)
    )
    first = await listed(secure)
    assert first["f"].checksum is not None
    fake = Entry("f", False, 3, first["f"].mtime, first["f"].inode, "0" * 64)
    options = ListingOptions(secure=True, snapshot=lambda: [fake])
    second = await listed(Folder(world.session, "personal/x", world.folder._id, options=options))
    assert second["f"].checksum == "0" * 64, "the server takes the snapshot's word"


# The stream of a real server, and of broken ones ----------------------------------------


async def test_a_listing_that_stops(world: World) -> None:
    for number in range(50):
        (world.disk / str(number)).write_bytes(b"")
    for effect in (StopListing(10), StopListing(0), CutResponse(300)):
        world.dev.faults.rules[:] = [Rule(effect, path="/api/app/sync/operation/diff/*")]
        with pytest.raises(ListingBroken, match="nothing is concluded"):
            await listed(world.folder)
    world.dev.faults.rules.clear()
    assert len(await listed(world.folder)) == 50


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding:"
    b" chunked\r\n\r\n"
)


@pytest.mark.parametrize("whole", [True, False])
async def test_pieces_of_one_byte(whole: bool) -> None:
    stream = HEAD + chunked(DIR, FILE[:9], FILE[9:], b"do", b"ne")

    async def handler(connection) -> None:
        for byte in stream if whole else stream[:-1]:
            await connection.send_all(bytes([byte]))

    async with scripted(handler) as folder:
        if whole:
            assert list(await listed(folder)) == ["d", "d/é #1?.txt"]
        else:
            with pytest.raises(ListingBroken):
                await listed(folder)


async def test_what_comes_at_once_is_not_parsed_at_once() -> None:
    """The drive answers between two batches."""
    lines = [b'{"%06d.txt":[false,11,1700000001,8,null]}\n' % number for number in range(20_000)]
    stream = HEAD + chunked(b"".join(lines), b"done")

    async def handler(connection) -> None:
        await connection.send_all(stream)

    async with scripted(handler) as folder, folder.listing() as batches:
        sizes = [len(batch) async for batch in batches]
    assert sum(sizes) == len(lines)
    assert max(sizes) <= BATCH_BYTES // len(lines[0]) + 1


async def test_a_page_instead_of_a_listing() -> None:
    async def handler(connection) -> None:
        await connection.send_all(answer("200 OK", b"<html>done", "text/html"))

    async with scripted(handler) as folder:
        with pytest.raises(Exception, match="not like a Sync-in server"):
            await listed(folder)


# Chunks ----------------------------------------


def coalesced(stream: bytes, cuts: tuple[int, ...]) -> bytes:
    coalescer = Coalescer()
    out = b""
    before = 0
    for cut in (*sorted(cuts), len(stream)):
        out += coalescer.feed(stream[before:cut])
        before = max(before, cut)
    return out + coalescer.end()


def unchunked(stream: bytes) -> tuple[bytes, int]:
    """Head and content of a chunked answer, and how many chunks there were; strict."""
    head, body = stream.split(b"\r\n\r\n", 1)
    content, count = b"", 0
    while True:
        line, body = body.split(b"\r\n", 1)
        size = int(line, 16)
        assert body[size : size + 2] == b"\r\n"
        content, body = content + body[:size], body[size + 2 :]
        count += 1
        if not size:
            assert not body
            return head + content, count


pieces = st.lists(st.binary(min_size=1, max_size=40), max_size=12)


@given(pieces, st.lists(st.integers(0, 500), max_size=6).map(tuple))
def test_coalescing_keeps_the_content(chunks: list[bytes], cuts: tuple[int, ...]) -> None:
    stream = HEAD + chunked(*chunks)
    content, count = unchunked(coalesced(stream, cuts))
    assert content == unchunked(stream)[0]
    if not cuts:
        assert count <= 2


@pytest.mark.parametrize(
    "stream",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n5\r\nab",
        HEAD + b"zz\r\nxx",
        HEAD + b"-5\r\nxx",
        b"\x16\x03\x01 nonsense",
        b"HTTP/1.1 103 Early\r\n\r\n" + HEAD + chunked(b"one"),
    ],
)
def test_what_is_not_chunked_passes_through(stream: bytes) -> None:
    assert coalesced(stream, ()) == stream
