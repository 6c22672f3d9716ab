"""What a hostile server does: the cases, generated from the recordings, and each as a change of an
honest answer.

A case is one kind of request and one way in which its answer is wrong. All cases of all recorded
endpoints that the program asks are enumerated; a seed only shuffles them. Nothing here knows the
program.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.devserver.recordings import FILES, load

Path = tuple[str | int, ...]

NESTED = "[" * 100_000 + "]" * 100_000

VALUES = (
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1",
    "1.5",
    "-1.5",
    "1e3",
    "1e30",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "9007199254740993",
    "9223372036",
    "9223372037",
    "-9223372037",
    "20000000000",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709552000",
    "1" + "0" * 400,
    "1" + "0" * 5000,
    '""',
    '" "',
    '"x"',
    '"0"',
    '"-1"',
    '"é"',
    '"\\u0000"',
    '"\\u001b[31mred"',
    '"\\r\\nX-A: b"',
    '"\\n"',
    '"\\u0085"',
    '"\\u2028"',
    '"\\u202e"',
    '"\\ud800"',
    '"\\udc80\\ud800"',
    '"a/b"',
    '"/"',
    '"."',
    '".."',
    '"../../outside"',
    '"/tmp/outside"',
    '"..\\\\outside"',
    '"' + "n" * 256 + '"',
    '"' + "x" * 200_000 + '"',
    '"' + "a/" * 3000 + 'a"',
    '"9999-12-31T23:59:59Z"',
    '"+010000-01-01T00:00:00Z"',
    '"0000-00-00"',
    "[]",
    "{}",
    "[null]",
    '{"a":1}',
    "[[[[]]]]",
    NESTED,
    "{",
    '"',
    "",
)

STATUSES = (
    100,
    101,
    102,
    103,
    199,
    202,
    203,
    204,
    205,
    206,
    207,
    226,
    299,
    300,
    301,
    302,
    303,
    304,
    307,
    308,
    400,
    401,
    402,
    403,
    404,
    405,
    406,
    407,
    408,
    409,
    410,
    411,
    412,
    413,
    414,
    415,
    416,
    417,
    418,
    422,
    423,
    424,
    425,
    426,
    428,
    429,
    431,
    451,
    499,
    500,
    501,
    502,
    503,
    504,
    505,
    507,
    508,
    511,
    520,
    530,
    599,
    600,
    999,
)

ETAGS = (
    "",
    "x",
    '""',
    '"-"',
    'W/"1"',
    'W/"1-"',
    'W/"-1"',
    'W/"1--1"',
    'W/"-1-1"',
    'W/"0-0"',
    'W/"ffffffffffffffff-1"',
    'W/"1-ffffffffffffffff"',
    'W/"1--ffffffffffffffff"',
    'W/"7fffffffffffffff-1"',
    'W/"1-8637bd05a80"',
    "W/" + "1" * 9000,
)

RANGES = (
    "",
    "x",
    "bytes 0-0/1",
    "bytes 5-1/9",
    "bytes */5",
    "bytes 0-99999999999999999999/1",
    "bytes -1--1/-1",
)

_LINES = (
    "left out",
    "twice",
    "with a twin",
    "without its folder",
    "a filtered one",
    "an unreadable one",
    "no line",
)


def kind_of(method: str, path: str) -> str | None:
    """What kind of request it is; None for one that the program does not make."""
    api = path.removeprefix("/api/").removeprefix("app/")
    exact = {
        ("GET", "sync/handshake"): "handshake",
        ("POST", "sync/register"): "register",
        ("POST", "sync/auth/token"): "token",
        ("POST", "auth/token/refresh"): "refresh",
        ("PUT", "sync/paths"): "settings",
        ("GET", "sync/clients"): "clients",
        ("GET", "spaces/trash/list"): "trashes",
    }
    prefixes = {
        ("POST", "sync/paths/"): "register path",
        ("DELETE", "sync/paths/"): "delete path",
        ("POST", "sync/operation/diff/"): "listing",
        ("POST", "sync/operation/make/"): "make",
        ("GET", "spaces/tree/"): "tree",
        ("GET", "spaces/browse/trash/"): "trash",
        ("MOVE", "spaces/operation/files/"): "move",
        ("MOVE", "spaces/operation/trash/"): "restore",
        ("DELETE", "spaces/operation/trash/"): "destroy",
        ("GET", "sync/operation/"): "download",
        ("HEAD", "sync/operation/"): "look",
        ("POST", "sync/operation/"): "upload",
        ("PUT", "sync/operation/"): "replace",
        ("PROPPATCH", "sync/operation/"): "touch",
        ("MOVE", "sync/operation/"): "move over",
        ("COPY", "sync/operation/"): "copy",
        ("DELETE", "sync/operation/"): "delete",
    }
    found = exact.get((method, api))
    fits = (
        name for (how, start), name in prefixes.items() if method == how and api.startswith(start)
    )
    return found or next(fits, None)


@dataclass(frozen=True)
class Case:
    """``what`` is wrong with the answer to a request of this ``kind``: a JSON ``value`` at a
    ``place``, or one of the names above."""

    kind: str
    what: str
    value: str = ""
    place: Path = ()

    def __str__(self) -> str:
        value = self.value if len(self.value) <= 40 else f"{self.value[:30]}… ({len(self.value)})"
        where = "/".join(str(part) for part in self.place)
        return (
            f"{self.kind}:"
            f" {self.what}{f' {where}' if where else ''}{f' = {value}' if self.value else ''}"
        )


def all_cases() -> list[Case]:
    """Every case, in an order that only the recordings decide."""
    cases: list[Case] = []
    for kind, fields in recorded().items():
        if kind == "listing":
            cases += [
                Case(kind, "line", value, place) for place in _of_a_line() for value in VALUES
            ]
            cases += [Case(kind, "lines", name) for name in _LINES]
        else:
            cases += [Case(kind, "value", value, place) for place in fields for value in VALUES]
            cases += [Case(kind, "gone", place=place) for place in fields if place]
        cases += [Case(kind, "status", str(status)) for status in STATUSES]
        cases += [Case(kind, "body", name) for name in _BODY if kind != "look"]
        cases += [Case(kind, "head", name) for name in _HEAD]
        if kind in ("look", "download"):
            cases += [Case(kind, "etag", value) for value in ETAGS]
        if kind == "download":
            cases += [Case(kind, "content-range", value) for value in RANGES]
    return cases


def shuffled(seed: int) -> list[Case]:
    """All cases, so that any first part of them has its share of each kind."""
    rng = random.Random(seed)  # repeatable
    of: dict[str, list[Case]] = {}
    for case in all_cases():
        of.setdefault(case.kind, []).append(case)
    for cases in of.values():
        rng.shuffle(cases)
    drawn = [
        ((n + rng.random()) / len(cases), case)
        for cases in of.values()
        for n, case in enumerate(cases)
    ]
    return [case for _, case in sorted(drawn, key=lambda each: each[0])]


@cache
def recorded() -> dict[str, tuple[Path, ...]]:
    """Each kind of request that was recorded with an answer, and the places of the values in it."""
    found: dict[str, dict[Path, None]] = {}
    for line in (line for file in FILES for line in load(file)):
        if (
            line.request is None
            or line.response is None
            or (line.response["status"] or 500) // 100 != 2
        ):
            continue
        kind = kind_of(line.request["method"], line.request["path"])
        if kind is None:
            continue
        places = found.setdefault(kind, {(): None})
        if line.response["body"]:
            places.update(dict.fromkeys(_places(_whole(line.response["body"]))))
    found.setdefault("look", {(): None})
    return {kind: tuple(places) for kind, places in found.items()}


def _whole(body: Any) -> Any:
    """The recorded JSON; of one that was cut when it was recorded, its first item."""
    if not isinstance(body, str):
        return body
    for text in (
        body,
        *(body[: match.start() + 1] + "]" for match in re.finditer(r"\}(?=,\s*\{)", body[:1900])),
    ):
        try:
            return json.loads(text)
        except ValueError:
            continue
    return None


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The first item of a list stands for all."""
    yield path
    match value:
        case dict():
            for name, child in value.items():
                yield from _places(child, (*path, name))
        case [first, *_]:
            yield from _places(first, (*path, 0))


def _of_a_line() -> tuple[Path, ...]:
    return ("name",), (), (0,), (1,), (2,), (3,), (4,), (5,)


# Changing an answer ----------------------------------------


@dataclass
class Honest:
    """An answer as the server gave it. ``body`` is without its transfer encoding."""

    status: int
    headers: dict[str, str]
    body: bytes
    head_only: bool = False


@dataclass
class Told:
    """What goes over the wire instead: bytes, each part after so many seconds. ``slow``: a byte at
    a time; ``endless``: again and again; ``reset``: the connection is cut hard at the end, else
    closed, unless ``stays``."""

    parts: list[tuple[float, bytes]] = field(default_factory=list)
    slow: bool = False
    endless: bool = False
    reset: bool = False
    stays: bool = False


def wire(honest: Honest, **changes: str) -> bytes:
    """The answer as it goes over the wire; a header whose value is ``-`` is left out."""
    headers = {
        name: value
        for name, value in honest.headers.items()
        if name not in ("transfer-encoding", "connection")
    }
    if not honest.head_only:
        headers["content-length"] = str(len(honest.body))
    headers |= {name.replace("_", "-"): value for name, value in changes.items()} | {
        "connection": "close"
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value != "-")
    return (
        f"HTTP/1.1 {honest.status} X\r\n{head}\r\n".encode("utf-8", "surrogateescape") + honest.body
    )


def told(case: Case, honest: Honest) -> Told:
    """The wrong answer. Pure."""
    match case.what:
        case "value":
            return Told([(0, wire(_with_body(honest, put(honest.body, case.place, case.value))))])
        case "gone":
            return Told([(0, wire(_with_body(honest, put(honest.body, case.place, None))))])
        case "line" | "lines":
            return Told([(0, wire(_with_body(honest, _listing(case, honest.body))))])
        case "status":
            return Told(
                [(0, wire(Honest(int(case.value), honest.headers, honest.body, honest.head_only)))]
            )
        case "body":
            return _BODY[case.value](honest)
        case "head":
            return _HEAD[case.value](honest)
        case header:
            return Told([(0, wire(honest, **{header.replace("-", "_"): case.value}))])


def _with_body(honest: Honest, body: bytes) -> Honest:
    return Honest(honest.status, honest.headers, body, honest.head_only)


_MARK = "\u2603 here \u2603"


def put(body: bytes, place: Path, value: str | None) -> bytes:
    """JSON with another value (text, which need not be JSON) at a place, or without it; what has no
    such place gets the value in full."""
    try:
        root = json.loads(body)
    except ValueError:
        root = {}
    if not place:
        return (value or "").encode("utf-8", "surrogatepass")
    at = root
    try:
        for part in place[:-1]:
            at = at[part]
        if value is None:
            del at[place[-1]]
        elif isinstance(at, list) and place[-1] == len(at):
            at.append(_MARK)
        else:
            at[place[-1]] = _MARK
    except (LookupError, TypeError):
        if isinstance(root, dict) and value is not None:
            root[str(place[-1])] = _MARK
    text = json.dumps(root, ensure_ascii=False)
    return text.replace(json.dumps(_MARK, ensure_ascii=False), value or "").encode(
        "utf-8", "surrogatepass"
    )


def _listing(case: Case, body: bytes) -> bytes:
    *lines, last = body.split(b"\n")
    if not lines:
        lines = [b'{"made-up":[false,1,2,3,null]}']
    if case.what == "lines":
        chosen = len(lines) // 2
        return b"\n".join(
            [*_lines(case.value, lines, chosen, next(iter(json.loads(lines[chosen])))), last]
        )
    # One that is new, and one that was there before.
    for number in {len(lines) // 2, *(n for n, line in enumerate(lines) if b"new there" in line)}:
        lines[number] = _line(case, *next(iter(json.loads(lines[number]).items())))
    return b"\n".join([*lines, last])


def _line(case: Case, name: str, stats: Any) -> bytes:
    if case.place == ("name",):
        key = case.value if case.value.startswith('"') else json.dumps(case.value[:1000])
        return f"{{{key}:{json.dumps(stats)}}}".encode("utf-8", "surrogatepass")
    row = (
        case.value.encode()
        if not case.place
        else put(json.dumps(stats).encode(), case.place, case.value)
    )
    return json.dumps({name: 0}).encode()[:-2] + row + b"}"


def _lines(name: str, lines: list[bytes], chosen: int, path: str) -> list[bytes]:
    line = lines[chosen]
    match name:
        case "left out":
            return lines[:chosen] + lines[chosen + 1 :]
        case "twice":
            return [*lines, line]
        case "with a twin":
            return [*lines, json.dumps({path.upper(): [False, 1, 2, 3, None]}).encode()]
        case "without its folder":
            return [*lines, json.dumps({f"nowhere/{path}": [False, 1, 2, 3, None]}).encode()]
        case "a filtered one":
            return [
                *lines[:chosen],
                json.dumps({path: ["filtered", False]}).encode(),
                *lines[chosen + 1 :],
            ]
        case "an unreadable one":
            return [
                *lines[:chosen],
                json.dumps({path: ["error", "EACCES\u001b[2J"]}).encode(),
                *lines[chosen + 1 :],
            ]
    return [*lines[:chosen], b"Unable to parse path", *lines[chosen + 1 :]]


HTML = b"<html><head><title>Please log in</title></head><body>502</body></html>"


def _cut_short(honest: Honest, body: bytes) -> bytes:
    """An answer that announces all of its body and has less."""
    return wire(_with_body(honest, body), content_length=str(max(len(honest.body), 1)))


def _chunked(honest: Honest, body: bytes = b"") -> bytes:
    return wire(_with_body(honest, body), content_length="-", transfer_encoding="chunked")


def _now(data: bytes, **how: bool) -> Told:
    return Told([(0, data)], **how)


_BODY: dict[str, Callable[[Honest], Told]] = {
    "empty": lambda honest: _now(wire(_with_body(honest, b""))),
    "cut": lambda honest: _now(_cut_short(honest, honest.body[:-1])),
    "cut in the middle": lambda honest: _now(wire(_with_body(honest, _half(honest)))),
    "doubled": lambda honest: _now(wire(_with_body(honest, honest.body * 2))),
    "slow": lambda honest: Told([(0, _cut_short(honest, b"")), (0, honest.body)], slow=True),
    "slow chunks": lambda honest: Told(
        [(0, _chunked(honest)), (0, b"1;" + b"x" * 3000)], slow=True
    ),
    "HTML": lambda honest: _now(wire(_with_body(honest, HTML), content_type="text/html")),
    "garbage": lambda honest: _now(wire(_with_body(honest, bytes(range(256)) * 20))),
    "NULs": lambda honest: _now(wire(_with_body(honest, b"\0" * max(len(honest.body), 8)))),
    "nested": lambda honest: _now(wire(_with_body(honest, NESTED.encode()))),
    "null": lambda honest: _now(wire(_with_body(honest, b"null"))),
    "gzip": lambda honest: _now(wire(honest, content_encoding="gzip")),
    "endless": lambda honest: Told(
        [(0, _chunked(honest)), (0, b"10000\r\n" + b" " * 65536 + b"\r\n")], endless=True
    ),
    "more than its length": lambda honest: _now(
        wire(honest) + b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    ),
    "no end": lambda honest: _now(
        wire(honest, content_length=str(len(honest.body) + 1)), stays=True
    ),
    "reset": lambda honest: _now(_cut_short(honest, _half(honest)), reset=True),
}

_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


def _half(honest: Honest) -> bytes:
    return honest.body[: len(honest.body) // 2]


def _after_line(more: bytes) -> Callable[[Honest], Told]:
    """Something between the status line and the headers."""
    return lambda honest: _now(wire(honest).replace(b"\r\n", b"\r\n" + more, 1))


def _with_length(length: str) -> Callable[[Honest], Told]:
    return lambda honest: _now(wire(honest, content_length=length))


_HEAD: dict[str, Callable[[Honest], Told]] = {
    "1000 interim answers": lambda honest: _now(_INTERIM * 1000 + wire(honest)),
    "endless interim answers": lambda _: Told([(0, b""), (0, _INTERIM * 100)], endless=True),
    "slow interim answers": lambda _: Told([(0, b""), (0, _INTERIM * 100)], slow=True),
    "slow": lambda honest: Told([(0, b""), (0, wire(honest))], slow=True),
    "no status line": lambda honest: _now(wire(honest).partition(b"\r\n")[2]),
    "HTTP/0.9": lambda honest: _now(honest.body or b"hello"),
    "HTTP/2": lambda honest: _now(wire(honest).replace(b"HTTP/1.1", b"HTTP/2", 1)),
    "10000 headers": _after_line(b"x-more: y\r\n" * 10_000),
    "a long header": _after_line(b"x-long: " + b"y" * 300_000 + b"\r\n"),
    "control characters": _after_line(b"x-odd: a\x00b\x1b[31m\x07\r\n"),
    "folded": _after_line(b"x-odd: a\r\n b\r\n"),
    "no headers": lambda honest: _now(b"HTTP/1.1 200 OK\r\n\r\n" + honest.body),
    "two lengths": _after_line(b"content-length: 1\r\n"),
    "a length beyond": lambda honest: _now(
        wire(honest, content_length=str(len(honest.body) + 1000)), stays=True
    ),
    "a length below": lambda honest: _now(
        wire(honest, content_length=str(max(len(honest.body) - 1, 0)))
    ),
    "a length of 2^64": _with_length(str(2**64)),
    "a length of 5000 digits": _with_length("9" * 5000),
    "a negative length": _with_length("-1"),
    "chunked and a length": lambda honest: _now(wire(honest, transfer_encoding="chunked")),
    "an unknown encoding": lambda honest: _now(wire(honest, transfer_encoding="brotli")),
    "a chunk of 2^64": lambda honest: _now(
        _chunked(honest, b"10000000000000000\r\n" + honest.body)
    ),
    "a broken chunk": lambda honest: _now(_chunked(honest, b"zz\r\n" + honest.body)),
    "no content type": lambda honest: _now(wire(honest, content_type="-")),
    "another content type": lambda honest: _now(
        wire(honest, content_type="image/png; charset=\x7f")
    ),
    "odd headers": lambda honest: _now(
        wire(
            honest,
            set_cookie="a=b; Max-Age=99999999999999999999",
            location="http://[::1",
            etag="\x01",
        )
    ),
    "silence": lambda _: Told(stays=True),
    "closed": lambda _: Told(),
}
