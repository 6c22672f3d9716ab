"""One bad item of an answer is that item's problem, and what would be dangerous to guess is
nobody's."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from reconciler.errors import Unreachable
from syncin_mount.devserver import Reply, Rule
from syncin_mount.remote import Session
from syncin_mount.remote.browse import trash_bins, trash_items, tree
from syncin_mount.remote.decoding import Undecodable, decode, moment
from syncin_mount.remote.registrations import clients, update_paths
from tests.server.support import World

NESTED = "[" * 50_000 + "]" * 50_000
BAD = [
    "null",
    "5",
    "[]",
    '""',
    "{}",
    '{"id":-1}',
    '{"id":1e30}',
    '{"name":"../x"}',
    '{"name":"a/b"}',
    '{"name":""}',
    '{"isDir":1}',
    '{"size":-1}',
    '{"size":9223372036854775808}',
    '{"ctime":1e30}',
    '{"ctime":99999999999999999}',
    '{"nb":null}',
    '{"tokenExpiration":99999999999}',
    '{"timestamp":99999999999}',
    '{"mode":"sideways"}',
    '{"filters":[5]}',
    '{"permissions":"a\\nb"}',
    '{"info":{}}',
    '{"remotePath":5}',
    '{"name":"\\u0000"}',
]

SETTINGS: dict[str, Any] = {
    "name": "t",
    "localPath": "/x",
    "remotePath": "personal/x",
    "permissions": "a:d:m",
    "mode": "both",
    "diffMode": "fast",
    "conflictMode": "recent",
    "filters": [],
    "scheduler": {},
    "timestamp": 5,
    "enabled": True,
    "lastSync": None,
    "id": 4,
}
INFO = {
    "node": "n",
    "os": "o",
    "osRelease": "r",
    "user": "u",
    "type": "sync-in-cli",
    "version": "1",
}
CLIENT: dict[str, Any] = {
    "id": "c",
    "info": INFO,
    "enabled": True,
    "isCurrentClient": False,
    "tokenExpiration": 5,
    "paths": [],
    "currentAccess": "2026-11-23T08:37:00.000Z",
}
TRASHED: dict[str, Any] = {
    "name": "f",
    "isDir": False,
    "size": 2,
    "mtime": 15032385535000,
    "ctime": 5,
}
LEAF: dict[str, Any] = {"name": "d", "path": "files/personal/d", "isDir": True}
BIN: dict[str, Any] = {"alias": "personal", "name": "Personal files", "nb": 3}


async def _adds(session: Session) -> list[Any]:
    return (await update_paths(session, [])).add


CASES: dict[str, tuple[Callable[[Session], Awaitable[list[Any]]], dict[str, Any], str]] = {
    "*/sync/paths": (_adds, SETTINGS, '{"add":[%s],"update":[],"delete":[]}'),
    "*/sync/clients": (clients, CLIENT, "[%s]"),
    "*/trash/list": (trash_bins, BIN, "[%s]"),
    "*/browse/trash/*": (
        lambda session: trash_items(session, "personal"),
        TRASHED,
        '{"files":[%s]}',
    ),
    "*/tree/files/*": (lambda session: tree(session, "personal"), LEAF, "[%s]"),
}


def merged(good: dict[str, Any], bad: str) -> str | None:
    """The good item with the bad one's values; None where it has none of them."""
    if not bad.startswith("{") or bad == "{}":
        return bad
    values = json.loads(bad)
    return None if set(values) - set(good) else json.dumps(good | values)


@pytest.mark.expected_log("cannot be understood", required=False)
@pytest.mark.parametrize("path", CASES)
async def test_a_bad_item_leaves_the_others(world: World, path: str) -> None:
    ask, good, whole = CASES[path]
    for bad in BAD:
        item = merged(good, bad)
        if item is None:
            continue
        items = ", ".join((json.dumps(good), item, json.dumps(good)))
        world.dev.faults.rules[:] = [Rule(Reply(200, whole % items), path=path)]
        found = await ask(world.session)
        assert 2 <= len(found) <= 3, bad


@pytest.mark.slow
@pytest.mark.parametrize("path", CASES)
@pytest.mark.parametrize(
    "body",
    [
        NESTED,
        "null",
        "",
        "{",
        '"x"',
        "[" + NESTED + "]",
        '{"add":[],"update":5,"delete":[]}',
        "\udc80",
    ],
)
async def test_an_answer_that_is_none(world: World, path: str, body: str) -> None:
    ask, _, _ = CASES[path]
    body = body if body != "\udc80" else '["\\ud800"'
    world.dev.faults.rules[:] = [Rule(Reply(200, body), path=path)]
    with pytest.raises(Unreachable):
        await ask(world.session)


async def changes(world: World, update: dict[str, Any]) -> Any:
    body = json.dumps({"add": [], "update": [update], "delete": [5, "x", -1, 2**60, 7]})
    world.dev.faults.rules[:] = [Rule(Reply(200, body), path="*/sync/paths")]
    return await update_paths(world.session, [])


@pytest.mark.expected_log("cannot be understood|not understood", required=False)
async def test_a_setting_that_is_not_understood_stays_as_it_is(world: World) -> None:
    for name, value in {
        "mode": "sideways",
        "diffMode": 5,
        "conflictMode": None,
        "filters": ["x" * 2000],
        "scheduler": {"unit": "year"},
        "timestamp": 10**12,
        "enabled": "yes",
        "name": ["x"],
    }.items():
        told = await changes(world, {"id": 4, "permissions": "a:d:m", name: value})
        assert told.delete == [5, 7]
        (update,) = told.update
        assert update.permissions == "a:d:m"
        (field,) = [
            each.name for each in msgspec.structs.fields(update) if each.encode_name == name
        ]
        assert getattr(update, field) is msgspec.UNSET


@pytest.mark.expected_log("cannot be understood", required=False)
@pytest.mark.parametrize(
    "update",
    [
        {"id": 4, "remotePath": 5},
        {"id": 4, "permissions": 7},
        {"id": "4"},
        {"remotePath": "personal/y"},
    ],
)
async def test_where_the_folder_is_and_whose_is_not_guessed(
    world: World, update: dict[str, Any]
) -> None:
    with pytest.raises(Unreachable):
        await changes(world, update)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-11-23T08:37:00.000Z", True),
        ("1969-12-31T23:59:59Z", True),
        ("9999-12-31T23:59:59Z", False),
        ("+010000-01-01T00:00:00.000Z", False),
        ("0001-01-01T00:00:00+23:59", False),
        ("yesterday", False),
        ("", False),
        (None, False),
    ],
)
def test_moments(text: str | None, good: bool) -> None:
    assert moment(text) == (text if good else None)


@pytest.mark.parametrize(
    "body", [NESTED, '{"a":' * 50_000, "\x00", "9" * 10_000, "1e999", '"\\ud800"', ""]
)
def test_decoding_raises_one_thing(body: str) -> None:
    for kind in (int, list, dict[str, int]):
        with pytest.raises(Undecodable):
            decode(body.encode(), kind)
