"""What `sync-api.jsonl` takes for granted: who sends each line, what lay on the disk, what was
forced in the database.

`BEFORE` runs ahead of a line; `OBSERVED` stands for lines without a request, and asserts what they
note.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from syncin_mount.devserver import ALL_APPLICATIONS, Application, User
from syncin_mount.devserver.tokens import TokenKind, issue, verify
from tests.devserver.recordings import Line, sha
from tests.devserver.wire import begin_upload, chunked_upload, reset
from tests.devserver.world import BIG, WRONG, Step, World, password_of, until, write

A = "client e0728f92-3570-4e81-ad26-dbf9a0282ee8"
API, OPS, EXT = "api-3f7755", "ops-4da1a8", "ext-218e25"
_OPS_URL = f"/api/app/sync/operation/personal/{OPS}"
_TAIL = len(BIG) - 1_000_000

USERS = [
    User(
        login=login,
        password=password_of(login),
        email=f"{login}@example.test",
        first_name=login.capitalize(),
        last_name="Test",
        applications=ALL_APPLICATIONS - missing,
        quota=1 << 20 if login == "user3" else None,
        totp_secret=base64.b32encode(b"twenty bytes of salt").decode()
        if login == "user4"
        else None,
        recovery_codes=("VeAF1SLo2B0AUv-NUxXHKxFUvSXwhBjR",) if login == "user4" else (),
    )
    for login, missing in {
        "user1": frozenset[Application](),
        "user2": frozenset[Application](),
        "user3": frozenset[Application](),
        "user4": frozenset[Application](),
        "user5": frozenset[Application](),
        "noapp": frozenset({Application.DESKTOP_ACCESS}),
        "nosync": frozenset({Application.DESKTOP_SYNC}),
        "revc09f": frozenset[Application](),
    }.items()
]

BEFORE: dict[int, Step] = {}
OBSERVED: dict[int, Callable[[World, Line], Awaitable[None]]] = {}


def before(*numbers: int) -> Callable[[Step], Step]:
    def add(step: Step) -> Step:
        for number in numbers:
            BEFORE[number] = step
        return step

    return add


def observed(*numbers: int) -> Callable[[Any], Any]:
    def add(check: Callable[[World, Line], Awaitable[None]]) -> Any:
        for number in numbers:
            OBSERVED[number] = check
        return check

    return add


# who sends a line

_WEB_USER1 = {
    65,
    68,
    76,
    90,
    97,
    98,
    100,
    109,
    116,
    142,
    143,
    149,
    151,
    155,
    235,
    342,
    *range(333, 338),
    355,
    359,
}
_USER2 = {356, 357, 358, 360, 361, 362, 363, 372}
_QUOTA = {*range(343, 355), *range(508, 517)}
_UNREGISTERED = {66, 67, 69}


async def authorize(world: World, line: Line) -> str:
    number = line.number
    special: dict[int, Callable[[], str]] = {
        58: lambda: world.sessions[A].access,
        59: lambda: "garbage",
        62: lambda: "garbage",
        63: lambda: world.sessions[A].refresh,
        64: lambda: _expired(world),
        518: lambda: "garbage",
        557: lambda: world.sessions["revoked"].refresh,
        564: lambda: world.sessions["client 17e7dd40-46bd-44e3-b95c-beaf7f49f32c"].refresh,
    }
    if number in special:
        return special[number]()
    if number in (55, 56):
        return str(world.kept["refresh"])
    if number == 28:
        return world.sessions["client 6dbdcea5-7b8f-4f12-b698-a5e91dd52992"].access
    if number == 37:
        return str(json.loads(world.replies[36].body)["access"])
    if number in _UNREGISTERED:
        return await _unregistered(world)
    if number in _WEB_USER1:
        return await world.web("user1")
    if number in (75, 112):
        return await world.web("user2")
    if number in _USER2:
        return await world.client("user2", "user2")
    if number in _QUOTA:
        return await world.client("quota", "user3")
    if number >= 552:
        return await _revoked(world, number)
    return await _synchronizing(world, number)


async def _synchronizing(world: World, number: int) -> str:
    if number <= 159:
        return world.sessions[A].access
    if 501 <= number <= 503:
        return await world.client("case", "user1")
    if number >= 548:
        return await world.client("removed path", "user1")
    if number == 546:
        return world.sessions["ops"].access
    return await world.client("ext" if number >= 517 else "ops", "user1")


async def _revoked(world: World, number: int) -> str:
    if number <= 558:
        return await world.client("revoked", "revc09f", "59f668c4-0dc0-40a1-82d8-a8f6ae1b0f9d")
    return await world.client("client 17e7dd40-46bd-44e3-b95c-beaf7f49f32c", "revc09f")


async def _unregistered(world: World) -> str:
    if "unregistered" not in world.sessions:
        await world.login_client("unregistered", json.loads(world.replies[65].body)["clientId"])
    return world.sessions["unregistered"].access


def _expired(world: World) -> str:
    key = world.server.store.state.signing_key
    found = verify(key, TokenKind.ACCESS, world.sessions[A].access, world.clock())
    assert found is not None
    now = int(world.clock())
    return issue(key, TokenKind.ACCESS, found[0], now - 1801, now - 1)


# accounts and tokens


@before(13, 21, 23)
async def wrong_password(world: World) -> None:
    world.passwords |= dict.fromkeys((13, 21, 22, 23), WRONG)


@before(22)
async def attempts_3_to_9(world: World) -> None:
    for _ in range(7):
        body = {
            "login": "user5",
            "password": WRONG,
            "clientId": "f59d0b46-bc1b-4108-ba6f-e2abf59f45ae",
        }
        info = {
            "node": "",
            "os": "",
            "osRelease": "",
            "user": "",
            "version": "",
            "type": "sync-in-cli",
        }
        assert (
            await world.call("POST", "/api/app/sync/register", {**body, "info": info})
        ).status == 401


@before(38)
async def app_passwords(world: World) -> None:
    token = await world.web("user2")
    for number, scope in ((38, "client"), (39, "webdav")):
        headers = [
            ("Authorization", f"Bearer {token}"),
            ("Content-Type", "application/json"),
            ("sync-in-two-fa-password", password_of("user2")),
        ]
        body = json.dumps({"name": scope, "app": scope}).encode()
        reply = await world.wire.send("POST", "/api/users/me/app_passwords", headers, body)
        assert reply is not None
        assert reply.status == 201, reply
        world.passwords[number] = json.loads(reply.body)["password"]


def _client(world: World) -> Any:
    client = world.server.store.client(A.removeprefix("client "))
    assert client is not None
    return client


@before(42, 44)
async def some_uuid(world: World) -> None:
    world.kept |= dict.fromkeys(("token 42", "token 44"), "00000000-0000-4000-8000-000000000000")


@before(43)
async def no_uuid(world: World) -> None:
    world.kept["token 43"] = "abc"


@before(50)
async def expires_within_60_days(world: World) -> None:
    world.kept["refresh"] = world.sessions[A].refresh
    world.kept["token 51"] = _client(world).token
    _client(world).token_expiration = int(world.clock()) + 59 * 86400


@before(52)
async def expired_client_token(world: World) -> None:
    _client(world).token_expiration = int(world.clock()) - 1


@before(53)
async def remember_expired(world: World) -> None:
    world.kept["expired"] = _client(world).token


@before(54)
async def disabled_client(world: World) -> None:
    assert _client(world).token != world.kept["expired"]
    _client(world).enabled = False


@before(55)
async def enabled_client(world: World) -> None:
    _client(world).enabled = True


@observed(9)
async def same_token(world: World, line: Line) -> None:
    assert world.replies[7].body == world.replies[8].body


@observed(41)
async def claims(world: World, line: Line) -> None:
    answer = json.loads(world.replies[40].body)
    segment = answer["access"].split(".")[1]
    value = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    names = re.search(r"'identity': (\[[^\]]*\])", line.note)
    assert names is not None
    assert sorted(value["identity"]) == sorted(json.loads(names[1].replace("'", '"')))
    assert (value["tokenType"], value["exp"] - value["iat"]) == ("access", 1800)
    assert answer["refresh_expiration"] - value["iat"] == 14400


@observed(49)
async def client_token_life(world: World, line: Line) -> None:
    first = json.loads(world.replies[48].body)[0]
    assert abs(first["tokenExpiration"] - world.clock() - 120 * 86400) < 60


@observed(57)
async def refresh_does_not_extend(world: World, line: Line) -> None:
    answers = [json.loads(world.replies[number].body) for number in (40, 55, 56)]
    assert len({answer["refresh_expiration"] for answer in answers}) == 1


# paths and listings


@before(77)
async def a_file_and_a_folder(world: World) -> None:
    write(world.personal(API, "plain.txt"))
    world.personal(API, "sub").mkdir()


@before(89)
async def other_name_in_the_recorded_path(world: World) -> None:
    world.names["%2fbob%2f"] = "%2fuser2%2f"


@before(117)
async def a_small_tree(world: World) -> None:
    for name, data in {
        ".hidden": b"h",
        ".sync-in.part": b"par",
        "__pycache__/m.pyc": b"c",
        "b.log": b"lg",
        "d1/d2/a.txt": b"aaa",
    }.items():
        write(world.personal(API, name), data)


def _listing_body(world: World, **more: object) -> dict[str, Any]:
    lines = world.replies[119].body.decode().splitlines()[:-1]
    snapshot = {rel: entry for line in lines for rel, entry in json.loads(line).items()}
    return {
        "secureDiff": True,
        "firstSync": False,
        "defaultFilters": [],
        "snapshot": snapshot,
        **more,
    }


@observed(120)
async def checksum_algorithm(world: World, line: Line) -> None:
    assert _listing_body(world)["snapshot"]["d1/d2/a.txt"][-1] == sha(b"aaa")
    for rel, entry in _listing_body(world)["snapshot"].items():
        full = world.personal(API, rel)
        assert entry[3] == full.stat().st_ino
        assert entry[4] == (None if full.is_dir() else sha(full.read_bytes()))


@before(121)
async def snapshots(world: World) -> None:
    body = _listing_body(world)
    fake = {rel: [*entry[:4], entry[4] and "f" * 64] for rel, entry in body["snapshot"].items()}
    world.bodies[121] = gzip.compress(json.dumps(body).encode())
    world.bodies[122] = gzip.compress(json.dumps({**body, "snapshot": fake}).encode())
    world.bodies[123] = json.dumps(body).encode()
    world.bodies[125] = gzip.compress(json.dumps(body).encode())
    world.bodies[126] = b"not gzip"
    world.bodies[127] = gzip.compress(b"{nope")
    world.bodies[128] = os.urandom(27 << 20)
    world.bodies[129] = gzip.compress(b'{"a":"' + b" " * (52 << 20) + b'"}')
    world.bodies[130] = b'{"a":"' + b" " * (27 << 20) + b'"}'


@before(131)
async def forget_bodies(world: World) -> None:
    world.bodies.clear()


@before(145)
async def folder_to_lose(world: World) -> None:
    world.personal("gone-03c83").mkdir()


@before(146)
async def folder_lost(world: World) -> None:
    world.personal("gone-03c83").rmdir()


@before(147)
async def file_in_its_place(world: World) -> None:
    write(world.personal("gone-03c83"))


@before(148)
async def lost_again(world: World) -> None:
    world.personal("gone-03c83").unlink()


@before(158)
async def latin_1_file(world: World) -> None:
    write(world.personal(API, "bad", os.fsdecode(b"caf\xe9.txt")))


@before(159)
async def latin_1_folder(world: World) -> None:
    world.personal(API, "bad", os.fsdecode(b"dir\xe9")).mkdir()


# uploads


@before(160)
async def folder_for_operations(world: World) -> None:
    world.personal(OPS).mkdir()
    await world.add_path(11, f"personal/{OPS}", await world.client("ops", "user1"))


@before(168)
async def a_folder(world: World) -> None:
    world.personal(OPS, "adir").mkdir()


@observed(161, 164, 185, 187, 189, 191, 206, 217, 227, 260, 266, 270, 289, 312, 318, 336, 494, 215)
async def file_on_disk(world: World, line: Line) -> None:
    """`name: size S mtime M ino I`."""
    found = re.match(r"(.+?): size (\d+) mtime ([\d.]+)", line.note)
    assert found is not None
    disk = world.personal(OPS, found[1]).stat()
    if not world.personal(OPS, found[1]).is_dir():
        assert disk.st_size == int(found[2])
    mtime = float(found[3])
    if mtime > 1_795_400_000 and mtime != 15032385535:
        assert abs(disk.st_mtime - time.time()) < 600
        assert mtime != int(mtime) or disk.st_mtime == int(disk.st_mtime)
    else:
        assert disk.st_mtime == mtime
    if line.number in (161, 164):
        assert disk.st_ino == json.loads(world.replies[line.number - 1].body)["ino"]
    if line.number == 164:
        assert not (world.server.trash_of("user1") / OPS).exists()
        assert world.replies[160].body != world.replies[163].body, "a new inode"
    if line.number == 318:
        assert disk.st_ino == world.kept["mv3 inode"]


@observed(173, 175, 177)
async def names_on_disk(world: World, line: Line) -> None:
    recorded = {name.split(" ->")[0].strip() for name in line.note.split(";")}
    assert set(os.listdir(world.personal(OPS))) == recorded


@observed(179)
async def untouched(world: World, line: Line) -> None:
    assert world.personal(OPS, "a.txt").read_text() == line.note


@observed(193)
async def eaten_body(world: World, line: Line) -> None:
    assert not world.personal(OPS, "j.json").exists()
    assert world.personal(OPS, ".sync-in.j.json").stat().st_size == 0


@observed(199)
async def chunked(world: World, line: Line) -> None:
    target = f"{_OPS_URL}/chunked.bin?size=5&mtime=1700000000"
    answer = await chunked_upload(world.wire.port, target, world.sessions["ops"].access, b"12345")
    assert answer.lower().startswith(b"http/1.1 201")
    assert world.personal(OPS, "chunked.bin").stat().st_mtime == 1700000000


@observed(200)
async def expect_continue(world: World, line: Line) -> None:
    target = f"{_OPS_URL}/expect.bin?size=5&mtime=1700000000"
    stream = await begin_upload(
        world.wire.port, target, world.sessions["ops"].access, 5, b"", expect=True
    )
    assert (await stream.receive_some()).startswith(b"HTTP/1.1 100")
    await until(lambda: world.personal(OPS, ".sync-in.expect.bin").exists())
    await stream.aclose()
    await until(lambda: not world.server.locks.held())


async def _break_upload(world: World, name: str, size: int, *, with_reset: bool = False) -> None:
    target = f"{_OPS_URL}/{name}?size={len(BIG)}&mtime=1700000000"
    stream = await begin_upload(
        world.wire.port, target, world.sessions["ops"].access, len(BIG), BIG[:size]
    )
    partial = world.personal(OPS, f".sync-in.{name}")
    if with_reset:
        # A reset drops what has not been read: wait until all but the last unwritten piece has
        # been.
        await until(lambda: partial.exists() and partial.stat().st_size > size - (1 << 18))
        await trio.testing.wait_all_tasks_blocked(0.1)
        await reset(stream)
    else:
        await stream.aclose()
    await until(lambda: partial.exists() and not world.server.locks.held())
    assert partial.stat().st_size == size
    assert not world.personal(OPS, name).exists()


@observed(201)
async def broken_by_reset(world: World, line: Line) -> None:
    await _break_upload(world, "r1.bin", 1_000_000, with_reset=True)


@observed(202)
async def broken(world: World, line: Line) -> None:
    await _break_upload(world, "r2.bin", 1_000_000)


@observed(203)
async def broken_early(world: World, line: Line) -> None:
    await _break_upload(world, "r3.bin", 100)


@before(205)
async def bodies_of_resumed_uploads(world: World) -> None:
    world.bodies |= {
        205: BIG[999_999:],
        213: BIG[100:],
        216: BIG[_TAIL:],
        218: BIG,
        220: BIG[_TAIL:],
        223: BIG[5:],
    }
    world.bodies |= dict.fromkeys((207, 208, 209, 211, 214, 219, 222, 226), BIG[1_000_000:])
    world.bodies |= dict.fromkeys((224, 225, 233), BIG)
    world.bodies[228] = b""


@observed(210, 212)
async def resumed(world: World, line: Line) -> None:
    name = "r1.bin" if line.number == 210 else "r2.bin"
    assert world.personal(OPS, name).read_bytes() == BIG
    assert not world.personal(OPS, f".sync-in.{name}").exists()


@observed(221)
async def corrupt(world: World, line: Line) -> None:
    content = world.personal(OPS, "r4b.bin").read_bytes()
    assert len(content) == len(BIG)
    assert content != BIG


@before(222)
async def partial_beside_a_file(world: World) -> None:
    write(world.personal(OPS, "r5.bin"), b"old")
    write(world.personal(OPS, ".sync-in.r5.bin"), BIG[:1_000_000])


@before(225)
async def partial_that_differs(world: World) -> None:
    write(world.personal(OPS, ".sync-in.r6.bin"), b"#" * 1_000_000)


@observed(231)
async def broken_twice(world: World, line: Line) -> None:
    await _break_upload(world, "r7.bin", 1_000_000)
    await _break_upload(world, "r7.bin", 400_000)


@observed(232)
async def stalled(world: World, line: Line) -> None:
    target = f"{_OPS_URL}/r8.bin?size={len(BIG)}&mtime=1700000000"
    token = world.sessions["ops"].access
    world.kept["stalled"] = await begin_upload(
        world.wire.port, target, token, len(BIG), BIG[:1_000_000]
    )
    await until(lambda: bool(world.server.locks.held()))
    (lock,) = world.server.locks.held()
    assert f"path:{lock.path}|ownerId:{lock.owner}" in line.note


@observed(242)
async def stall_over(world: World, line: Line) -> None:
    await world.kept["stalled"].aclose()
    await until(lambda: not world.server.locks.held())


# downloads, make, proppatch, move, copy, delete


@before(243)
async def a_file_to_download(world: World) -> None:
    write(world.personal(OPS, "dl.bin"), bytes(range(256)) * 4, 1700000000)


@observed(244)
async def etag_of_download(world: World, line: Line) -> None:
    assert world.replies[243].headers["etag"] == 'W/"400-18bcfe56800"'
    assert world.replies[243].body == bytes(range(256)) * 4


@before(265)
async def a_full_file(world: World) -> None:
    write(world.personal(OPS, "mkfull.txt"), b"full")


@before(295)
async def files_to_move(world: World) -> None:
    write(world.personal(OPS, "mv1.txt"), b"mv1")
    write(world.personal(OPS, "mv3.txt"), b"old: mv3")


@observed(297)
async def overwritten_in_trash(world: World, line: Line) -> None:
    assert sorted(os.listdir(world.server.trash_of("user1") / OPS)) == line.note.split(", ")
    assert (world.server.trash_of("user1") / OPS / "mv3.txt").read_bytes() == b"old: mv3"


@before(302)
async def case_only(world: World) -> None:
    write(world.personal(OPS, "Case.txt"))


@observed(303)
async def case_only_done(world: World, line: Line) -> None:
    assert [name for name in os.listdir(world.personal(OPS)) if name.lower() == "case.txt"] == [
        "case.TXT"
    ]


@before(304)
async def folders_to_move(world: World) -> None:
    write(world.personal(OPS, "dsrc", "f.txt"))
    write(world.personal(OPS, "ddst", "old.txt"))


@observed(305)
async def not_merged(world: World, line: Line) -> None:
    assert os.listdir(world.personal(OPS, "ddst")) == ["f.txt"]
    assert os.listdir(world.server.trash_of("user1") / OPS / "ddst") == ["old.txt"]


@before(306)
async def file_over_folder(world: World) -> None:
    write(world.personal(OPS, "fsrc.txt"))
    world.personal(OPS, "fdst").mkdir()


@before(311, 313, 314)
async def more_to_move(world: World) -> None:
    for name in ("pct.txt", "mvchar.txt", "mvlong.txt"):
        write(world.personal(OPS, name))


@before(317)
async def inode_before(world: World) -> None:
    world.kept["mv3 inode"] = world.personal(OPS, "n1/n2/mv3.txt").stat().st_ino


@before(326, 328)
async def file_to_delete(world: World) -> None:
    write(world.personal(OPS, "del1.txt"), b"de")


@before(330)
async def folder_to_delete(world: World) -> None:
    write(world.personal(OPS, "deld", "in", "x.txt"))


@observed(327)
async def trashed(world: World, line: Line) -> None:
    assert (world.server.trash_of("user1") / OPS / "del1.txt").exists()


@observed(329)
async def trashed_again(world: World, line: Line) -> None:
    names = [
        name for name in os.listdir(world.server.trash_of("user1") / OPS) if name.startswith("del1")
    ]
    assert len(names) == 2
    assert any(
        re.fullmatch(r"del1-\d{4}\.\d\d\.\d\d \d\d-\d\d-\d\d\.\d{3}\.txt", name) for name in names
    )


@before(333)
async def trash_of_earlier_days(world: World) -> None:
    (world.server.trash_of("user1") / "cli-proof").mkdir()


# quota, shares, locks


@before(343)
async def bodies_over_quota(world: World) -> None:
    world.bodies |= {343: b"q" * 2097152, 345: b"q" * 614400, 346: b"q" * 614400}


@observed(344)
async def chunked_over_quota(world: World, line: Line) -> None:
    target = "/api/app/sync/operation/personal/qq/chunk.bin?size=2097152&mtime=1700000000"
    answer = await chunked_upload(
        world.wire.port, target, await world.client("quota", "user3"), b"q" * 2097152
    )
    assert answer.lower().startswith(b"http/1.1 507")
    assert b'{"statusCode":507,"message":"Storage quota exceeded"}' in answer
    assert os.listdir(world.personal("qq", login="user3")) == [".sync-in.chunk.bin"]


@before(363)
async def file_to_lock(world: World) -> None:
    write(world.personal(OPS, "adir", "lk.txt"), b"lock me")


@observed(*(range(378, 487, 3)))
async def name_round_trip(world: World, line: Line) -> None:
    """Upload, bytes on disk and download of one name, as the two lines before found them."""
    upload, download = world.replies[line.number - 2], world.replies[line.number - 1]
    said = re.match(
        r"upload (\d+), on disk under exact bytes: (\w+), download (\d+) equal: (\w+)", line.note
    )
    assert said is not None
    assert (str(upload.status), str(download.status)) == (said[1], said[3])
    name = os.path.basename(world.kept[f"path {line.number - 2}"])
    assert (name in os.listdir(world.personal(OPS, "names"))) == (said[2] == "True")


@observed(488)
async def listed_names(world: World, line: Line) -> None:
    listing = world.replies[487].body.decode().splitlines()[:-1]
    listed = {rel for text in listing for rel in json.loads(text)}
    on_disk = {f"names/{name}" for name in os.listdir(world.personal(OPS, "names"))}
    assert on_disk <= listed


@before(501)
async def names_that_differ_in_case(world: World) -> None:
    for name in ("Foo", "foo"):
        world.personal(OPS, name).mkdir()


@observed(504)
async def case_danger(world: World, line: Line) -> None:
    added = json.loads(world.replies[503].body)["add"]
    assert {entry["remotePath"] for entry in added} == {f"personal/{OPS}/Foo"}


@before(508)
async def quota_reached(world: World) -> None:
    shutil.rmtree(world.personal("qq", login="user3"))
    write(world.personal("qq", "one.bin", login="user3"), b"12345", 1700000000)
    world.server.quotas.forget()
    await world.add_path(17, "personal/qq", await world.client("quota", "user3"))
    world.server.quotas.force("users/user3", 1 << 20)


@before(517)
async def more_folders(world: World) -> None:
    write(world.personal(EXT, "exists.bin"))
    world.bodies |= dict.fromkeys((517, 518, 519), bytes(64 << 20))
    world.kept["opened"] = world.wire.opened


@before(520)
async def connection_stayed_usable(world: World) -> None:
    assert world.wire.opened == world.kept["opened"]
    world.bodies.clear()


@observed(522)
async def stored_scheduler(world: World, line: Line) -> None:
    (added,) = json.loads(world.replies[521].body)["add"]
    assert [{name: added[name] for name in ("id", "scheduler", "lastSync")}] == json.loads(
        line.note
    )


@before(524)
async def names_that_differ_in_accents(world: World) -> None:
    for name in ("cafe", "café"):
        world.personal(EXT, name).mkdir()


@observed(527)
async def accent_danger(world: World, line: Line) -> None:
    assert json.loads(world.replies[526].body)["update"] == json.loads(line.note)


@before(529)
async def file_in_the_namesake(world: World) -> None:
    write(world.personal(EXT, "cafe", "in-cafe.txt"))


@observed(534)
async def trash_of_the_space(world: World, line: Line) -> None:
    assert (world.root / line.note.strip().removeprefix("<data>/")).is_file()


async def _left_lock(world: World, name: str) -> None:
    """A server that was killed during an upload leaves the lock for 8 hours, and the partial."""
    who = world.server.store.account_named("user1")
    assert who is not None
    token = verify(
        world.server.store.state.signing_key,
        TokenKind.ACCESS,
        world.sessions["ext"].access,
        world.clock(),
    )
    assert token is not None
    world.server.locks.hold(world.server.places.sync(token[0], f"personal/{EXT}/{name}"), who.id)
    write(world.personal(EXT, f".sync-in.{name}"), BIG[:1_000_000])


@before(536)
async def crashed(world: World) -> None:
    await _left_lock(world, "crash.bin")


@before(542)
async def crashed_again(world: World) -> None:
    await _left_lock(world, "crash2.bin")


@observed(541)
async def no_locks(world: World, line: Line) -> None:
    assert world.server.locks.held() == []


@before(546)
async def restarted(world: World) -> None:
    await world.stop()
    await world.start()
    world.names["b378d0f2-7f13-4b81-9f36-1d4a057fead6"] = world.kept["id ext"]


# revocation


@before(548)
async def a_path_to_remove(world: World) -> None:
    world.personal("removed").mkdir()
    await world.add_path(26, "personal/removed", await world.client("removed path", "user1"))


@before(551)
async def a_minute_later(world: World) -> None:
    world.offset += 61


@before(552)
async def a_client_to_delete(world: World) -> None:
    world.personal("d1", login="revc09f").mkdir()
    await world.add_path(27, "personal/d1", await _revoked(world, 552))


@before(554)
async def settings_were_cached(world: World) -> None:
    """The recording had listed the folder before; the cache is keyed by client and path."""
    client_id = "59f668c4-0dc0-40a1-82d8-a8f6ae1b0f9d"
    world.server.paths._cache[client_id, 27] = ("personal/d1", world.clock() + 900)


@before(559)
async def password_changed(world: World) -> None:
    client_id = "17e7dd40-46bd-44e3-b95c-beaf7f49f32c"
    await world.client(f"client {client_id}", "revc09f", client_id)
    world.server.set_password("revc09f", "another one")


def _account(world: World) -> Any:
    account = world.server.store.account_named("revc09f")
    assert account is not None
    return account


@before(560)
async def permission_removed(world: World) -> None:
    _account(world).applications.remove(Application.DESKTOP_SYNC)


@before(563)
async def user_deactivated(world: World) -> None:
    client_id = "17e7dd40-46bd-44e3-b95c-beaf7f49f32c"
    _account(world).applications.append(Application.DESKTOP_SYNC)
    await world.login_client(f"client {client_id}", client_id)
    _account(world).active = False
