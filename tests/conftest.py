"""What every test gets: a tier, a place to write, an unexpected warning in the log as a failure,
and hypothesis without a clock."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# --- tiers ----------------------------------------------------------------------------------------
# The fast tier is what one runs all the time: nothing in it mounts, kills or needs a process for
# each step. `--all` adds the slow tier: these folders, what has the marker `slow`, and what has a
# time limit of its own above the usual. Whoever names files gets all that is in them. A test that
# takes more than some 0.3 s on a quiet machine has the marker, as long as others of the fast tier
# look at the same code.

SLOW_FOLDERS = (
    *("cli", "crash", "damage", "hostile", "mounts"),
    *("packages", "pair", "site", "soak", "tour", "upgrades", "workloads"),
)

# A deadline of hypothesis measures the machine, not the code. Hanging is what the time limit per
# test is for.
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, max_examples=100)
hypothesis.settings.register_profile("dev", hypothesis.settings.get_profile("ci"), max_examples=10)
hypothesis.settings.load_profile("dev")

TESTS = Path(__file__).parent


all_key = pytest.StashKey[bool]()
slow_key = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("syncin-mount")
    group.addoption(
        "--all",
        action="store_true",
        dest="all_tiers",
        help="the slow tests too, with more examples",
    )
    group.addoption(
        "--beyond-fast",
        action="store_true",
        help="with --all: without what the fast tier runs with just as many examples",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    os.environ["LC_ALL"] = "C.UTF-8"  # what processes say is compared with English texts
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    every, slow = config.option.all_tiers, config.option.all_tiers or named
    # A worker of xdist is told: its arguments are not those of the process that started it.
    every, slow = getattr(config, "workerinput", {}).get("tiers", (every, slow))
    config.stash[all_key], config.stash[slow_key] = every, slow
    if every and not config.option.hypothesis_profile:
        hypothesis.settings.load_profile("ci")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["tiers"] = (node.config.stash[all_key], node.config.stash[slow_key])


def pytest_report_header(config: pytest.Config) -> str:
    tier = "all tests" if config.stash[slow_key] else "the fast tier (--all: every test)"
    return f"tier: {tier}; hypothesis profile: {hypothesis.settings.get_current_profile_name()}"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast tier does not even load the slow folders."""
    is_slow = collection_path.parent == TESTS and collection_path.name in SLOW_FOLDERS
    return True if is_slow and not config.stash[slow_key] else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    usual = float(config.getini("timeout") or 0)
    for item in items:
        limit = item.get_closest_marker("timeout")
        in_folder = (
            item.path.is_relative_to(TESTS)
            and item.path.relative_to(TESTS).parts[0] in SLOW_FOLDERS
        )
        if in_folder or (limit is not None and limit.args[0] > usual):
            item.add_marker("slow")
    items.sort(key=_turn)
    if config.option.beyond_fast:
        left = [item for item in items if not _has_more_to_do(item)]
        items[:] = [item for item in items if _has_more_to_do(item)]
        config.hook.pytest_deselected(items=left)
    if not config.stash[slow_key]:
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)


LONG_FILES = (
    *("packages/test_standalone", "web/test_long_list", "workloads", "tour", "web/test_hung_drive"),
    *("crash", "mounts/differential", "packages", "engine/test_soak", "language/test_commands"),
    *("upgrades", "web", "cli", "mounts", "winfsp", "site", "sim", "hostile", "pair", "damage"),
)
"""Files and folders whose tests take long: they come first, in this order, so that no worker is
left with one when the others have nothing to do any more."""


def _turn(item: pytest.Item) -> int:
    place = item.path.relative_to(TESTS).with_suffix("").as_posix() + "/"
    return next((at for at, each in enumerate(LONG_FILES) if place.startswith(f"{each}/")), 99)


def _has_more_to_do(item: pytest.Item) -> bool:
    """Whether `--all` runs it otherwise than the fast tier does: it is slow, or may be of a
    property, for which there are more examples then."""
    module = getattr(item, "module", None)
    sources = {getattr(each, "__module__", None) or "" for each in vars(module).values()}
    names = {getattr(each, "__name__", "") for each in vars(module).values()}
    of_property = any(each.split(".")[0] == "hypothesis" for each in sources | names)
    return item.get_closest_marker("slow") is not None or of_property or "tests.effort" in sources


# --- where tests write ----------------------------------------------------------------------------
# A replica syncs when it starts, commits and stops. Tests that wait for a disk take three times as
# long as those that need not, and as long as others let them: so they write to memory where there
# is room. None cuts the power; what a cut leaves is simulated (tests/store/power.py), and what is
# about a disk has one of its own (tests/small_disk.py). Who sets TMPDIR chooses the place.

MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30
"""What the tests of some workers have at once, several times over."""


def is_fit(folder: Path) -> bool:
    """Whether tests may write there: there is room, programs may be run from it, and files have
    extended attributes."""
    try:
        there = os.statvfs(folder)
        if there.f_bavail * there.f_frsize < ROOM_BYTES or there.f_flag & os.ST_NOEXEC:
            return False
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            os.setxattr(file.fileno(), "user.syncin-test", b"1")
    except OSError:
        return False
    return True


if sys.platform != "win32" and "TMPDIR" not in os.environ and is_fit(MEMORY):
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # as others may have asked for it before

# --- signals --------------------------------------------------------------------------------------

# A shell starts what it puts into the background with this signal ignored, and whatever is started
# from there inherits that: Ctrl-C would reach none of the programs that the tests run.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# --- the log --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Expectation:
    pattern: re.Pattern[str]
    level: int | None
    required: bool
    seen: bool = False

    def matches(self, record: logging.LogRecord, text: str) -> bool:
        return (self.level is None or record.levelno == self.level) and self.pattern.search(
            text
        ) is not None


@dataclass(slots=True)
class LogWatch:
    """Sorts the warnings and errors of one test into expected and unexpected ones."""

    expectations: list[Expectation] = field(default_factory=list)
    unexpected: list[logging.LogRecord] = field(default_factory=list)

    def expect(self, pattern: str, *, level: int | None = None, required: bool = True) -> None:
        """Let records of WARNING and above pass whose "logger: message" the regular expression
        finds.

        From now on, and for ones already logged in this test. When `required`, the test fails if
        none came.
        """
        expectation = Expectation(re.compile(pattern), level, required)
        self.expectations.append(expectation)
        earlier, self.unexpected = self.unexpected, []
        for record in earlier:
            self.sort(record)

    def sort(self, record: logging.LogRecord) -> None:
        # A record whose arguments do not fit its format raises here, in the code that logged it.
        text = f"{record.name}: {record.getMessage()}"
        found = [e for e in self.expectations if e.matches(record, text)]
        for expectation in found:
            expectation.seen = True
        if not found:
            self.unexpected.append(record)

    def verdict(self, *, finished: bool) -> str | None:
        """Why the test fails because of its log, or None. Missing records count only when it has
        `finished`."""
        formatter = logging.Formatter("%(levelname)s %(name)s: %(message)s")
        lines = [f"unexpected in the log: {formatter.format(record)}" for record in self.unexpected]
        self.unexpected.clear()
        if finished:
            lines += [
                f"expected in the log, but never came: {e.pattern.pattern!r}"
                for e in self.expectations
                if e.required and not e.seen
            ]
        return "\n".join(lines) or None


class WatchHandler(logging.Handler):
    def __init__(self, watch: LogWatch) -> None:
        super().__init__(logging.WARNING)
        self.watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        self.watch.sort(record)


watch_key = pytest.StashKey[LogWatch]()


def watched(item: pytest.Item, *, finished: bool = False) -> Generator[None, object, object]:
    """One phase of a test with its log watched; fails the phase that logged."""
    watch = item.stash.setdefault(watch_key, LogWatch())
    handler = WatchHandler(watch)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        result = yield
    finally:
        root.removeHandler(handler)
    reason = watch.verdict(finished=finished)
    if reason:
        pytest.fail(reason, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    watch = item.stash.setdefault(watch_key, LogWatch())
    for marker in item.iter_markers("expected_log"):
        watch.expect(*marker.args, **marker.kwargs)
    return (yield from watched(item))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from watched(item, finished=True))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from watched(item))


@pytest.fixture
def expected_log(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`expected_log(pattern, *, level=None, required=True)`: such a record may, and by default
    must, be logged.

    The marker `@pytest.mark.expected_log(pattern, …)` says the same for a whole test, class or
    file.
    """
    item: pytest.Item = request.node
    return item.stash[watch_key].expect


@pytest.fixture
def fuse_control() -> Iterator[None]:
    """/sys/fs/fuse/connections, as a system with systemd has it."""
    folder = Path("/sys/fs/fuse/connections")
    if os.path.ismount(folder):
        yield
        return
    if os.geteuid() != 0:
        pytest.skip("fusectl is not mounted here, and only root could")
    subprocess.run(["mount", "-t", "fusectl", "none", folder], check=True, timeout=60)
    yield
    subprocess.run(["umount", folder], check=True, timeout=60)
