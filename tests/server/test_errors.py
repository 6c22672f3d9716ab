"""The table of errors against every unhappy answer that was recorded from a real server."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from reconciler import errors as ours
from syncin_mount.remote.errors import CHANGING, Asked, CodeWanted, Endpoint, Untrusted
from syncin_mount.remote.refusals.answers import of_answer
from syncin_mount.remote.refusals.failures import of_failure

RECORDINGS = Path(__file__).parent.parent / "recordings"


def endpoint_of(method: str, path: str) -> Endpoint | None:
    """The kind of a recorded request, None for what this client never asks."""
    by_start = {
        "/api/app/sync/handshake": Endpoint.HANDSHAKE,
        "/api/app/sync/register": Endpoint.REGISTER,
        "/api/app/sync/auth/token": Endpoint.TOKEN,
        "/api/auth/token/refresh": Endpoint.TOKEN,
        "/api/app/sync/paths": Endpoint.PATHS,
        "/api/app/sync/clients": Endpoint.PATHS,
        "/api/app/sync/operation/diff/": Endpoint.LISTING,
        "/api/app/sync/operation/make/": Endpoint.MAKE,
        "/api/app/spaces/operation/make/": Endpoint.MAKE,
        "/api/app/spaces/tree/": Endpoint.BROWSE,
        "/api/app/spaces/browse/": Endpoint.BROWSE,
    }
    by_method = {
        "GET": Endpoint.READ,
        "POST": Endpoint.UPLOAD,
        "PUT": Endpoint.UPLOAD,
        "MOVE": Endpoint.MOVE,
        "PROPPATCH": Endpoint.TOUCH,
        "DELETE": Endpoint.DELETE,
    }
    for start, endpoint in by_start.items():
        if path.startswith(start):
            return endpoint
    if path.startswith(("/api/app/sync/operation/personal", "/api/app/sync/operation/s")):
        return by_method.get(method)
    if path.startswith("/api/app/spaces/operation/") and method == "MOVE":
        return Endpoint.MOVE
    return None


def unhappy() -> Iterator[tuple[str, Endpoint, int, str]]:
    for file in ("sync-api.jsonl", "web-api.jsonl"):
        for line in (RECORDINGS / file).read_text().splitlines():
            recorded = json.loads(line)
            request, response = recorded["request"], recorded["response"]
            if not request or not response or not response["status"] or response["status"] < 400:
                continue
            endpoint = endpoint_of(request["method"], request["path"])
            if endpoint is None:
                continue
            message = json.loads(response["body"])["message"]
            said = message if isinstance(message, str) else "; ".join(message)
            yield recorded["name"], endpoint, response["status"], said


ANSWERS = list(unhappy())


def test_enough_was_recorded() -> None:
    assert len(ANSWERS) > 130


@pytest.mark.parametrize(
    ("name", "endpoint", "status", "said"), ANSWERS, ids=[f"{n}" for n, *_ in ANSWERS]
)
def test_every_recorded_answer_has_a_meaning(
    name: str, endpoint: Endpoint, status: int, said: str
) -> None:
    error = of_answer(Asked(endpoint, "http://server", "home", "a/b"), status, said)
    text = str(error)
    assert error.status == status
    assert "{" not in text
    assert text[0].isupper() or text.startswith("http")
    assert error.done is (None if status >= 500 and endpoint in CHANGING else False)
    if isinstance(error, ours.Unreachable):
        assert "Cannot " in said, "Sync-in's own answers come from a server that is reachable"
    if (
        status == 404
        and endpoint in (Endpoint.READ, Endpoint.DELETE)
        and said == "Location not found"
    ):
        assert type(error) is ours.Missing


E = Endpoint


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("register wrong password", ours.Unauthorized),
        ("register 2FA user, no code", CodeWanted),
        ("register user without desktop_app_access", ours.Forbidden),
        ("register same clientId, other user", ours.Refused),
        ("register bad json", ours.Refused),
        ("auth/token wrong token (uuid)", ours.Unauthorized),
        ("auth/token token not a uuid", ours.Unauthorized),
        ("auth/token disabled client (forced in DB)", ours.Unauthorized),
        ("any api, expired access token", ours.Unauthorized),
        ("diff as user without desktop_app_sync", ours.Forbidden),
        ("paths create on a file", ours.Refused),
        ("paths create refused: personal", ours.Refused),
        ("diff path id not found", ours.Missing),
        ("diff remote folder deleted", ours.Missing),
        ("diff remote folder replaced by a file", ours.Refused),
        ("diff pathFilters >25 repetitions", ours.Refused),
        ("quota reached: diff (cached usage forced >= quota)", ours.QuotaReached),
        ("upload POST on existing file", ours.Exists),
        ("upload PUT on existing directory", ours.Exists),
        ("upload POST below a file", ours.Exists),
        ("upload wrong size", ours.Mismatch),
        ("upload wrong checksum", ours.Mismatch),
        ("resume: wrong offset (n-1)", ours.Mismatch),
        ("resume: PUT over existing, no tmp", ours.Mismatch),
        ("stalled upload: same user uploads same path", ours.Locked),
        ("download Range beyond end", ours.Changed),
        ("download directory", ours.Changed),
        ("download missing", ours.Missing),
        ("make directory over a file", ours.Exists),
        ("make directory name 'a:b'", ours.Refused),
        ("proppatch missing", ours.Missing),
        ("move missing source", ours.Missing),
        ("move onto itself", ours.Refused),
        ("move directory into itself", ours.Refused),
        ("move to 256-byte name", ours.Refused),
        ("move onto existing, overwrite=false", ours.Exists),
        ("move destination unknown repository", ours.ServerFault),
        ("upload as user2 on share ''", ours.Forbidden),
        ("name upload: 247 bytes", ours.Refused),
        ("name: URL > 16 KiB", ours.Refused),
        ("make directory missing parent", ours.Missing),
        ("tree: missing", ours.Missing),
        ("big body (64 MiB), refused early: 404 unknown space", ours.Forbidden),
        ("unknown route", None),
    ],
)
def test_meanings(name: str, error: type[ours.RemoteError] | None) -> None:
    for known, endpoint, status, said in ANSWERS:
        if known == name:
            found = of_answer(Asked(endpoint, "http://server", "home", "a/b"), status, said)
            assert type(found) is error, str(found)
            return
    assert error is None, "no such recording"


def test_temporary_or_not() -> None:
    temporary = {
        ours.Unreachable,
        ours.ServerFault,
        ours.Locked,
        ours.QuotaReached,
        ours.Mismatch,
        ours.ListingBroken,
    }
    for endpoint in Endpoint:
        for status in range(300, 600):
            for said in ("", "x", None):
                error = of_answer(Asked(endpoint, "http://server", "home"), status, said)
                assert error.temporary is (type(error) in temporary)
                if said is None and status not in (413, 414, 431):
                    assert error.temporary, "what a proxy says is never the server's last word"


def chained(outer: Exception, *causes: BaseException) -> Exception:
    link: BaseException = outer
    for cause in causes:
        link.__cause__ = cause
        link = cause
    return outer


REFUSED = ConnectionRefusedError(111, "refused")
TLS = ssl.SSLCertVerificationError(1, "certificate verify failed")
TLS.verify_message = "self-signed certificate"


@pytest.mark.parametrize(
    ("exc", "error", "says", "sent"),
    [
        (
            chained(httpx.ConnectError("x"), OSError("all"), REFUSED),
            ours.NoConnection,
            "refused",
            False,
        ),
        (
            chained(httpx.ConnectError("x"), ExceptionGroup("two", [REFUSED])),
            ours.NoConnection,
            "refused",
            False,
        ),
        (
            chained(httpx.ConnectError("x"), OSError(101, "No route")),
            ours.NoConnection,
            "No connection",
            False,
        ),
        (
            chained(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")),
            ours.NoConnection,
            "cannot be found",
            False,
        ),
        (chained(httpx.ConnectError("x"), TLS), Untrusted, "self-signed certificate", False),
        (chained(httpx.ConnectError("x"), ssl.SSLError(1, "bad")), Untrusted, "TLS", False),
        (
            chained(httpx.ConnectError("x"), ssl.SSLEOFError(8, "EOF")),
            ours.NoConnection,
            "secured",
            False,
        ),
        (
            chained(httpx.ReadError("x"), ssl.SSLError(1, "bad")),
            ours.Unreachable,
            "broke off",
            True,
        ),
        (httpx.ConnectTimeout("x"), ours.NoConnection, "in time", False),
        (httpx.PoolTimeout("x"), ours.NoConnection, "free", False),
        (httpx.ReadTimeout("x"), ours.Unreachable, "stopped answering", True),
        (httpx.WriteTimeout("x"), ours.Unreachable, "stopped answering", True),
        (httpx.ReadError("x"), ours.Unreachable, "broke off", True),
        (httpx.WriteError("x"), ours.Unreachable, "broke off", True),
        (httpx.RemoteProtocolError("x"), ours.Unreachable, "broke off", True),
        (httpx.ProxyError("403 no"), ours.NoConnection, "proxy", False),
        (httpx.LocalProtocolError("x"), ours.Refused, "cannot be sent", False),
        (httpx.UnsupportedProtocol("x"), ours.Refused, "https://", False),
        (httpx.InvalidURL("URL too long"), ours.Refused, "too long", False),
    ],
)
def test_failures(exc: Exception, error: type[ours.RemoteError], says: str, sent: bool) -> None:
    changing = of_failure(Asked(Endpoint.DELETE, "http://server", "home", "a"), exc)
    assert type(changing) is error
    assert says in str(changing)
    assert changing.done is (None if sent else False)
    assert "Http" not in str(changing)
    assert "{" not in str(changing)
    assert of_failure(Asked(Endpoint.READ, "http://server", "home", "a"), exc).done is False


def test_foreign_words_are_short_and_clean() -> None:
    error = of_answer(
        Asked(E.DELETE, "http://server", "home", "a\x1b[2J\n"),
        500,
        "boom\r\n\x1b]0;" + "x" * 10_000,
    )
    assert all(c.isprintable() for c in str(error))
    assert len(str(error)) < 500
