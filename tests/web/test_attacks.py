"""What somebody who is not the user's own tab could try, each against the real supervisor.
docs/internals/web-security.md lists them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.conftest import World, read_answer

CALLS = ("/api/watch", "/api/sync", "/api/pause", "/api/open", "/api/log-in")


@pytest.fixture(autouse=True)
def page(world: World) -> Iterator[None]:
    if not world.token or world.post("/api/stop", {"name": "x"}).status == 401:
        world.enter()
    yield
    log = world.folders.log("@supervisor").read_text()
    assert world.token not in log
    assert "Traceback" not in log


def test_the_page_s_own_requests_are_answered(world: World):
    """The others would prove nothing if nothing were answered."""
    assert world.ask("GET", "/", world.headers()).status == 200
    assert world.post("/api/stop", {"name": "x"}).status == 200


# --- a name that leads here, of somebody else's (DNS rebinding) -----------------------------------

HOSTS = ("evil.example:{port}", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}")


@pytest.mark.parametrize("host", HOSTS)
def test_another_host_is_refused(world: World, host: str):
    named = host.format(port=world.port)
    assert world.ask("GET", "/", world.headers(host=named)).status == 403
    assert world.post("/api/stop", {"name": "x"}, host=named).status == 403


def test_no_host_or_two_are_refused(world: World):
    assert world.ask("GET", "/", world.headers(host=None)).status in {400, 403}
    two = {**world.headers(), "Host": "evil.example"}
    assert world.ask("GET", "/", two).status in {400, 403}


# --- another page in the same browser -------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": None}, 403),
        ({"origin": "http://localhost:{port}"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": "https://127.0.0.1:{port}"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "none"}, 403),
        ({"sec_fetch_site": None}, 403),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": None}, 415),
    ],
)
@pytest.mark.parametrize("path", ["/api/stop", "/api/token"])
def test_a_foreign_form_or_fetch_is_refused(
    world: World, path: str, changed: dict[str, str | None], status: int
):
    real = {name: value and value.format(port=world.port) for name, value in changed.items()}
    assert world.post(path, {"name": "x"}, **real).status == status


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_gets_no_part_of_this_one(world: World, site: str):
    for path in ("/", "/app.js", "/icon.svg"):
        assert world.ask("GET", path, world.headers(sec_fetch_site=site)).status == 403


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "HEAD", "TRACE", "PROPFIND"])
def test_other_methods_are_refused_and_nobody_is_allowed_across(world: World, method: str):
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "*"}
    answer = world.ask(method, "/api/stop", world.headers() | asks)
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_every_answer_has_the_browser_keep_the_page_apart(world: World):
    answers = [
        world.ask("GET", "/", world.headers()),
        world.ask("GET", "/no", world.headers()),
        world.post("/api/stop", {"name": "x"}),
        world.post("/api/stop", {"name": "x"}, token="no"),
        world.post("/api/stop", {"name": "x"}, origin="null"),
    ]
    assert [each.status for each in answers] == [200, 404, 200, 401, 403]
    for each in answers:
        policy = each.headers["content-security-policy"].split("; ")
        assert policy[0] == "default-src 'none'"
        assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} <= {*policy}
        assert not [rule for rule in policy if "unsafe" in rule or "*" in rule or "data:" in rule]
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["x-frame-options"] == "DENY"
        assert each.headers["referrer-policy"] == "no-referrer"
        assert each.headers["cross-origin-opener-policy"] == "same-origin"
        assert each.headers["cross-origin-resource-policy"] == "same-origin"
        assert each.headers["cache-control"] == "no-store"
        assert "set-cookie" not in each.headers
        assert "server" not in each.headers


# --- who has no ticket ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("token", ["", "wrong", "Bearer "])
def test_nothing_is_done_without_a_token(world: World, path: str, token: str):
    changed = {"authorization": f"Bearer {token}"} if token else {}
    assert world.post(path, {}, token="", **changed).status == 401


def test_a_ticket_is_good_once_and_seen_twice_ends_what_it_became(world: World):
    ticket = {"ticket": world.open_page()}
    first = world.post("/api/token", ticket, token="")
    token = first.json["token"]
    assert world.post("/api/stop", {"name": "x"}, token=token).status == 200
    again = world.post("/api/token", ticket, token="")
    assert (again.status, "token" in again.json) == (401, False)
    assert world.post("/api/stop", {"name": "x"}, token=token).status == 401


def test_a_guessed_ticket_gets_nothing(world: World):
    for guess in ("", "x", world.token, "\ud800", "x" * 60_000):
        body = {"ticket": guess}
        assert world.post("/api/token", body, token="").status in {400, 401}


# --- another user of the computer -----------------------------------------------------------------

STRANGER = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
try:
    connection.sendall(sys.argv[2].encode())
    said = connection.recv(100)
except ConnectionError:
    said = b""
print(len(said))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_s_process_gets_no_byte(world: World):
    request = f"GET / HTTP/1.1\r\nhost: {world.host}\r\n\r\n"
    command = ["/usr/bin/python3", "-I", "-c", STRANGER, str(world.port), request]
    for user, size in ((65534, "0"), (0, "100")):
        done = subprocess.run(
            command, user=user, cwd="/", capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.stdout.strip(), done.stderr) == (size, ""), user


# --- too much -------------------------------------------------------------------------------------


def is_hung_up_on(connection: socket.socket, part: bytes) -> bool:
    """Whether the other end gives up while it is sent the part again and again (400 MB at most)."""
    try:
        for _ in range(100_000):
            connection.sendall(part)
    except ConnectionError:
        return True
    return False


def test_a_body_that_is_too_long_is_refused(world: World):
    assert world.post("/api/stop", b" " * 65_537).status == 413


def test_a_body_without_end_is_refused(world: World):
    headers = world.headers(
        authorization=f"Bearer {world.token}", transfer_encoding="chunked", connection="close"
    )
    head = "POST /api/stop HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as connection:
        connection.sendall(head.encode() + b"\r\n")
        assert is_hung_up_on(connection, b"1000\r\n" + b" " * 4096 + b"\r\n")


def test_a_head_without_end_is_refused(world: World):
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert is_hung_up_on(connection, b"x-more: " + b"x" * 4096 + b"\r\n")


@pytest.mark.slow  # some seconds, of waiting
def test_a_head_that_does_not_come_is_not_waited_for(world: World):
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as connection:
        connection.sendall(b"GET / HTT")
        assert read_answer(connection).status in {0, 400, 408}


@pytest.mark.slow  # some seconds, of waiting
def test_connections_beyond_a_number_are_refused_and_others_are_not_kept_out(world: World):
    held = [socket.create_connection(("127.0.0.1", world.port), timeout=30) for _ in range(80)]
    try:
        for connection in held[64:]:
            assert read_answer(connection).status == 0
        # They are closed at once, and not when their time is over, as the first ones will be.
        held[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            held[0].recv(1)
    finally:
        for connection in held:
            connection.close()
    end = time.monotonic() + 20
    while world.ask("GET", "/", world.headers()).status != 200:
        assert time.monotonic() < end


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"name": 1}',
        b'{"name": "x", "more": 1}',
        b'{"name": "' + b"x" * 300 + b'"}',
        b"[" * 60_000,
        b'{"name": "\xff"}',
    ],
)
def test_what_is_no_request_is_refused(world: World, body: bytes):
    assert world.post("/api/stop", body).status == 400


def test_a_thousand_and_one_names_are_refused(world: World):
    assert world.post("/api/pause", {"names": ["x"] * 1001}).status == 400


@pytest.mark.parametrize("until", [0, 59, -1, 2_592_001, 1e300, True, "yesterday", [60]])
def test_a_pause_without_a_sensible_end_is_refused(world: World, until: object):
    assert world.post("/api/pause", {"names": ["x"], "until": until}).status == 400


# --- a synchronization that is to be registered again ---------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "nobody"}, 409),
        ({"name": "../docs"}, 409),
        ({"name": ""}, 409),
        ({"name": "docs", "remote": "personal/other"}, 400),
        ({"name": "docs", "path_id": 1}, 400),
        ({"name": ["docs"]}, 400),
        ({}, 400),
    ],
)
def test_only_what_is_configured_is_registered_again(world: World, body: object, status: int):
    """Who may ask registers a synchronization as it is configured, and nothing else."""
    before = world.folders.config_file.read_text()
    assert world.post("/api/register", body).status == status
    assert world.post("/api/register", {"name": "x"}, token="").status == 401
    assert world.post("/api/register", {"name": "x"}, origin="http://evil.example").status == 403
    assert world.folders.config_file.read_text() == before


def test_what_the_server_has_is_registered_once_however_often_it_is_asked_for(world: World):
    world.add("docs", "--every", "1d")
    world.must("disable", "docs")
    before = world.folders.config_file.read_text()
    with ThreadPoolExecutor(4) as several:
        answers = list(
            several.map(lambda _: world.post("/api/register", {"name": "docs"}), range(8))
        )
    assert {answer.status for answer in answers} <= {200, 409}
    assert [each for each in answers if each.status == 200]
    [client] = json.loads(world.must("clients", "list", "--json"))
    assert [each["remote"] for each in client["synchronizations"]] == ["personal/docs"]
    assert world.folders.config_file.read_text() == before


# --- ways around ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/vendor/../app.js",
        "/vendor/%2e%2e/app.js",
        "//app.js",
        "/./app.js",
        "/app.js/",
        "/app.js%00",
        "/APP.JS",
        "/%61pp.js",
        "/vendor/",
        "/vendor/LICENSE.htm",
        "/index.html",
        "/__init__.py",
        "/..\\app.js",
        "http://evil.example/app.js",
    ],
)
def test_only_the_paths_of_the_table_lead_to_a_file(world: World, path: str):
    answer = world.ask("GET", path, world.headers())
    assert answer.status in {400, 404}
    assert b"root:" not in answer.body


@pytest.mark.slow
def test_other_protocols_are_refused(world: World):
    upgrade = {"connection": "upgrade", "sec-websocket-version": "13"}
    socket_of = {**upgrade, "upgrade": "websocket", "sec-websocket-key": "eA=="}
    head = "GET /api/watch HTTP/1.1\r\n"
    head += "".join(f"{n}: {v}\r\n" for n, v in (world.headers() | socket_of).items())
    for said in (head.encode() + b"\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", world.port), timeout=30) as connection:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            assert read_answer(connection).status not in {101, 200}
