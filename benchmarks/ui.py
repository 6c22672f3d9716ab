"""The page, in a real browser: how soon it is there, whether it answers whatever happens, and what
the supervisor costs meanwhile.

The drives of the rows about cards only tell how they are, in one process, through the real control
API: a hundred real ones would measure the drives. A task of the browser above 50 ms is a long one:
whoever clicks meanwhile notices. Tasks are told by the clock and, since other load makes those
longer, by the processor time of the page's thread.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.ground import Ground
from benchmarks.processes import IDLE_S, SETTLE_S, during, memory, processor, supervisor_at
from syncin_mount.config import Folders
from syncin_mount.control.supervision import NAME
from syncin_mount.control.transport import listener_of
from tests.store.filled_history import fill_recent

Measure = Callable[[Ground, int], dict[str, Any]]

CARDS = 100
EVENTS_A_SECOND = 1000
LIVE_S = 10.0
ROWS_OF_HISTORY = 1_000_000
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.tasks.push([each.startTime, each.duration]);
}).observe({ type: "longtask", buffered: true });
window.frames_drawn = 0;
const frame = () => { window.frames_drawn += 1; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
"""

TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline"]

PAINT = """() => performance.getEntriesByType("paint")
  .find((each) => each.name === "first-contentful-paint")?.startTime ?? null"""

HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@dataclass
class Desk:
    """A profile's supervisor and a browser."""

    ground: Ground
    profile: str
    browser: Browser
    folders: Folders = field(init=False)

    def __post_init__(self) -> None:
        home = self.ground.sandbox.base / self.profile
        self.folders = Folders(home, home / "state", home / "run", portable=True)

    def address(self) -> str:
        return self.ground.sandbox.must(self.profile, "ui", "--print").strip()

    @property
    def supervisor(self) -> int:
        pid = listener_of(self.folders.socket(NAME))
        assert pid is not None
        return pid

    @contextlib.contextmanager
    def tab(self) -> Iterator[Page]:
        """A new one, with nothing in it."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.add_init_script(WATCH)
        try:
            yield page
        finally:
            context.close()


@contextlib.contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def _telling(home: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "tests.web.telling_process", str(home), str(count)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.stdin.close()


def _until(page: Page, condition: str) -> None:
    """Playwright's own way is one that the page's policy forbids."""
    for _ in range(6000):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise TimeoutError(condition)


def _longest(page: Page) -> float:
    """The longest task since the last call, ms; what is below 50 is not told by the browser: 0."""
    return float(
        page.evaluate("() => Math.max(0, ...window.tasks.splice(0).map((each) => each[1]))")
    )


def cards(ground: Ground, rounds: int) -> dict[str, Any]:
    """A hundred drives: the first paint, all cards, and a thousand events a second."""
    profile = "cards"
    count = max(3, int(CARDS * ground.scale))
    found: dict[str, list[float]] = {}

    def note(what: str, value: float) -> None:
        found.setdefault(what, []).append(value)

    home = ground.sandbox.base / profile
    figures: dict[str, Any] = {}
    with _browser() as browser, _telling(home, count) as telling:
        desk = Desk(ground, profile, browser)
        desk.address()
        for _ in range(rounds):
            with desk.tab() as page:
                address = desk.address()
                browser.start_tracing(page=page, categories=TRACED)
                page.goto(address)
                _until(page, f"document.querySelectorAll('article').length === {count}")
                note("all cards, ms", page.evaluate("performance.now()"))
                note("first paint, ms", page.evaluate(PAINT))
                note("longest task until then, ms", _longest(page))
                note("... of processor time, ms", max(_tasks(browser.stop_tracing())))
                browser.start_tracing(page=page, categories=TRACED)
                _live(page, telling, desk.supervisor, note)
                tasks = _tasks(browser.stop_tracing())
                note("longest task live, processor time, ms", max(tasks))
                note("the page's thread, live, %", sum(tasks) / LIVE_S / 10)
        figures |= {
            what: f"{median(each):.0f} ({min(each):.0f} to {max(each):.0f})"
            for what, each in found.items()
        }
    return {"cards": count, "events a second": EVENTS_A_SECOND, **figures}


def _tasks(trace: bytes) -> list[float]:
    """Processor time of each task of the page's thread, ms."""
    events = json.loads(trace)["traceEvents"]
    threads = [
        (each["pid"], each["tid"])
        for each in events
        if each.get("name") == "thread_name" and each["args"]["name"] == "CrRendererMain"
    ]
    found: dict[tuple[int, int], list[float]] = {each: [0.0] for each in threads}
    for each in events:
        thread = each.get("pid"), each.get("tid")
        if each.get("name") == "RunTask" and "tdur" in each and thread in found:
            found[thread].append(each["tdur"] / 1000)
    return max(found.values(), key=sum)


def _live(page: Page, telling: subprocess.Popen[str], supervisor: int, note: Any) -> None:
    assert telling.stdin is not None
    assert telling.stdout is not None
    frames = page.evaluate("window.frames_drawn")
    before = processor(supervisor)
    telling.stdin.write(f"{EVENTS_A_SECOND} {LIVE_S}\n")
    telling.stdin.flush()
    assert telling.stdout.readline() == "done\n"
    note("frames a second, live", (page.evaluate("window.frames_drawn") - frames) / LIVE_S)
    note("longest task, live, ms", _longest(page))
    note("supervisor's CPU, live, %", (processor(supervisor)[0] - before[0]) / LIVE_S)


def idle(ground: Ground, rounds: int) -> dict[str, Any]:
    """Three drives: memory and processor time of the supervisor."""
    del rounds
    profile = "idle"
    home = ground.sandbox.base / profile
    figures: dict[str, Any] = {}
    with _telling(home, 3), _browser() as browser, supervisor_at(home):
        desk = Desk(ground, profile, browser)
        pid = desk.supervisor
        time.sleep(SETTLE_S)  # what came before comes to rest
        before = memory(pid)
        figures["memory without the page, MiB"] = round(before, 1)
        figures[f"{IDLE_S:.0f} s without the page"] = during(pid, IDLE_S)
        with desk.tab() as page:
            page.goto(desk.address())
            _until(page, "document.querySelectorAll('article').length === 3")
            time.sleep(SETTLE_S)  # what came before comes to rest
            figures["memory with the page seen, MiB"] = round(memory(pid), 1)
            figures["the page's share, MiB"] = round(memory(pid) - before, 1)
            figures[f"{IDLE_S:.0f} s seen"] = during(pid, IDLE_S)
            page.evaluate(HIDE, True)
            time.sleep(SETTLE_S)  # what came before comes to rest
            figures[f"{IDLE_S:.0f} s hidden"] = during(pid, IDLE_S)
    return figures


def transfers(ground: Ground, rounds: int) -> dict[str, Any]:
    """A drive with a million transfers, scrolled from page to page."""
    del rounds
    profile = ground.fresh()
    rows = int(ROWS_OF_HISTORY * ground.scale)
    ground.sandbox.mount(profile, "bench")
    ground.sandbox.must(profile, "umount", "bench")
    fill_recent(ground.replica(profile) / "history.sqlite", rows)
    ground.sandbox.mount(profile, "bench")
    with _browser() as browser:
        desk = Desk(ground, profile, browser)
        with desk.tab() as page:
            page.goto(desk.address())
            _until(page, "document.querySelectorAll('article').length === 1")
            page.evaluate("location.hash = '#/transfers'")
            page.get_by_role("list", name="Transfers").wait_for()
            _longest(page)
            answers: list[float] = []
            page.on("requestfinished", lambda request: _note_answer(request, answers))
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            before = _thread_s(session)
            began = time.monotonic()
            scrolled = _scroll(page, rows)
            took = time.monotonic() - began
            cpu = _thread_s(session) - before
            return {
                "transfers": rows,
                "rows scrolled through": scrolled,
                "rows a second": round(scrolled / took),
                "the page's thread, s": f"{cpu:.1f}, {1e6 * cpu / scrolled:.0f} µs a row",
                "longest task, ms": _longest(page),
                "an answer, ms": f"{median(answers):.0f} (first {answers[0]:.0f}, last"
                f" {answers[-1]:.0f})",
                "rows that are drawn": page.locator("li.row").count(),
            }


def _note_answer(request: Any, answers: list[float]) -> None:
    if request.url.endswith("/api/transfers"):
        answers.append(request.timing["responseEnd"])


def _thread_s(session: CDPSession) -> float:
    """Processor time of the page's thread so far, s."""
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in found if each["name"] == "TaskDuration"))


def _scroll(page: Page, rows: int) -> int:
    """To the end, again and again, until all are loaded; how many that are."""
    loaded = 0
    while loaded < rows:
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        size = "Number(document.querySelector('li.row')?.ariaSetSize ?? 0)"
        _until(page, f"{size} > {loaded}")
        loaded = int(page.evaluate(size))
    return loaded


def _then_down(measure: Measure) -> Measure:
    """No supervisor is left, whatever happens."""

    def measured(ground: Ground, rounds: int) -> dict[str, Any]:
        try:
            return measure(ground, rounds)
        finally:
            for home in ground.sandbox.base.glob("*/config.toml"):
                ground.sandbox.run(home.parent.name, "down", "--force")

    return measured


ROWS = {
    "page": ("a hundred cards, and a thousand events a second", _then_down(cards)),
    "page-idle": (
        "memory and processor time of the supervisor while nothing happens",
        _then_down(idle),
    ),
    "page-transfers": ("a million transfers, scrolled", _then_down(transfers)),
}
