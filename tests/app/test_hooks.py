"""Which runs call a hook, what it is told, and how it ends: with real commands."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from reconciler.errors import Unavailable
from reconciler.model import Action, NodeId, Op, Outcome, Result, Side
from reconciler.planner.guards import Halt, root_gone
from reconciler.reporting.report import Problem, Report
from syncin_mount.app.runs import hooks
from syncin_mount.app.runs.hooks import Hook, Hooks, Occasions, RunResult, result_of, run_command
from syncin_mount.config import ConfigurationFile, Folders, Scheduler, Synchronization, Unit

SENDING = {side: Action(Op.SEND, side, NodeId(7), None, None, None) for side in Side}
GONE = root_gone("personal/docs")


def carried(side: Side = Side.REMOTE, result: Result = Result.DONE) -> Report:
    return Report(outcomes=[Outcome(SENDING[side], result, moved_bytes=5)])


def halted(why: Halt = GONE) -> Report:
    return Report(halted=why)


AFTER, HALT = [Hook.AFTER_RUN], [Hook.AFTER_RUN, Hook.ON_HALT]
CASES = {
    "a look that finds nothing is no run to tell of": [(Report(), []), (Report(), [])],
    "somebody asked for it": [(Report(patient=True), AFTER), (Report(patient=True), AFTER)],
    "it carried something": [(carried(), AFTER), (carried(), AFTER), (Report(), [])],
    "only what is known was written down": [(carried(Side.BASE), [])],
    "it carried nothing in the end": [(carried(result=Result.STALE), [])],
    "the server goes and comes back": [
        (Report(offline="away"), AFTER),
        (Report(offline="away"), []),
        (Report(), AFTER),
        (Report(), []),
    ],
    "the log-in is refused": [(Report(refused="no"), AFTER), (Report(refused="no"), [])],
    "one halt is told of once": [(halted(), HALT), (halted(), []), (Report(), AFTER)],
    "a halt that comes again": [(halted(), HALT), (Report(), AFTER), (halted(), HALT)],
    "another halt": [(halted(), HALT), (halted(root_gone("space/team")), HALT)],
    "the server is away while a halt lasts": [
        (halted(), HALT),
        (Report(offline="away"), AFTER),
        (halted(), AFTER),
    ],
    "somebody syncs a halted drive": [(halted(), HALT), (Report(patient=True, halted=GONE), AFTER)],
}


@pytest.mark.parametrize("runs", CASES.values(), ids=CASES.keys())
def test_hooks_are_called_for_what_is_worth_it(runs: list[tuple[Report, list[Hook]]]) -> None:
    occasions = Occasions()
    for report, expected in runs:
        assert occasions.of(report, scheduled=False) == expected


def test_each_run_of_a_schedule_counts() -> None:
    occasions = Occasions()
    assert [occasions.of(Report(), scheduled=True) for _ in range(2)] == [AFTER, AFTER]


def test_the_worst_is_the_result() -> None:
    problem = Problem(NodeId(7), "a", "it is locked", lasting=False)
    everything = Report(halted=GONE, refused="no", offline="away", problems=[problem])
    found = []
    for key, nothing in (("halted", None), ("refused", None), ("offline", None), ("problems", [])):
        found.append(result_of(everything))
        setattr(everything, key, nothing)
    found.append(result_of(everything))
    assert found == [
        (RunResult.HALTED, GONE),
        (RunResult.REFUSED, "no"),
        (RunResult.OFFLINE, "away"),
        (RunResult.INCOMPLETE, "it is locked"),
        (RunResult.DONE, None),
    ]


class World:
    """A configuration with hooks that write what they are told into ``told``."""

    def __init__(self, base: Path, nursery: trio.Nursery) -> None:
        self.told = base / "told"
        home = base / "home"
        self.folders = Folders(home, home / "state", home / "run", portable=True)
        self.folders.make()
        self.synchronization = Synchronization(
            "docs", "home", "personal/docs", base / "drive", scheduler=Scheduler(1, Unit.HOUR)
        )
        self.contents = trio.Event()
        self.is_away = False
        self.hooks = Hooks(
            ConfigurationFile(self.folders), lambda: self.synchronization, self.arrive
        )
        nursery.start_soon(self.hooks.run)

    async def arrive(self) -> None:
        if self.is_away:
            raise Unavailable("the server is away")
        await self.contents.wait()

    def configure(self, **commands: str) -> None:
        """Each is a line for a shell."""
        lines = [f'{key} = ["/bin/sh", "-c", {line!r}]' for key, line in commands.items()]
        self.folders.config_file.write_text("\n".join(["[hooks]", *lines, ""]))

    def lines(self) -> list[str]:
        return self.told.read_text().splitlines() if self.told.exists() else []


@pytest.fixture
def world(tmp_path: Path, nursery: trio.Nursery) -> World:
    return World(tmp_path, nursery)


def tell(world: World, *names: str) -> str:
    words = " ".join(f"${{SYNCIN_{name}}}" for name in names)
    return f"echo {words} >> {shlex.quote(str(world.told))}"


async def test_the_environment_tells_of_the_run(world: World) -> None:
    world.configure(after_run=tell(world, "HOOK", "DRIVE", "RESULT", "DONE", "BYTES", "MOUNTPOINT"))
    world.contents.set()
    world.hooks.note(carried())
    await world.hooks.drained()
    where = world.synchronization.mountpoint
    assert world.lines() == [f"after_run docs done 1 5 {where}"]


async def test_a_run_is_told_of_when_its_contents_are_here_and_a_halt_at_once(world: World) -> None:
    line = tell(world, "HOOK", "RESULT")
    world.configure(after_run=line, on_halt=line)
    world.hooks.note(halted())
    while not world.lines():  # noqa: ASYNC110 (another process writes it)
        await trio.sleep(0.01)
    assert world.lines() == ["on_halt halted"]
    world.contents.set()
    await world.hooks.drained()
    assert world.lines() == ["on_halt halted", "after_run halted"]


async def test_contents_that_cannot_come_do_not_keep_it(world: World) -> None:
    world.is_away = True
    world.configure(after_run=tell(world, "RESULT"))
    world.hooks.note(Report(offline="away"))
    await world.hooks.drained()
    assert world.lines() == ["offline"]


async def test_what_is_configured_counts_at_that_moment(world: World) -> None:
    world.contents.set()
    world.hooks.note(carried())
    await world.hooks.drained()
    world.configure(after_run=tell(world, "RESULT"))
    world.hooks.note(carried())
    await world.hooks.drained()
    assert world.lines() == ["done"]


async def test_words_are_no_shells(tmp_path: Path) -> None:
    program = tmp_path / "a program"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {shlex.quote(str(tmp_path / "told"))}\n')
    program.chmod(0o755)
    words = (str(program), "$HOME", "a  b", ";", "-n", "")
    await run_command("after_run", words, {})
    assert (tmp_path / "told").read_text().split("\n")[:-1] == list(words[1:])


@pytest.mark.parametrize("words", [("/nowhere/program",), ("false",)])
async def test_a_command_that_fails_is_logged(
    words: tuple[str, ...], expected_log: Callable[..., None]
) -> None:
    expected_log(words[0])
    await run_command("after_run", words, {})


async def test_one_that_does_not_end_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.2)
    pids = tmp_path / "pids"
    line = f"trap '' TERM; sleep 1000 & echo $$ $! > {shlex.quote(str(pids))}; wait; wait"
    with trio.CancelScope() as scope:
        nursery.start_soon(partial(_cancel_when, pids, scope))
        await run_command("after_run", ("/bin/sh", "-c", line), {})
    assert scope.cancelled_caught
    with trio.fail_after(30):
        while not all(map(is_over, map(int, pids.read_text().split()))):  # noqa: ASYNC110 (others')
            await trio.sleep(0.01)


async def _cancel_when(path: Path, scope: trio.CancelScope) -> None:
    while not (path.exists() and path.read_text().endswith("\n")):  # noqa: ASYNC110 (a process's)
        await trio.sleep(0.01)
    scope.cancel()


def is_over(pid: int) -> bool:
    """Nobody may have waited yet for one whose parent was killed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("scheduled", [True, False])
def test_a_hook_may_ask_for_a_run_itself(scheduled: bool) -> None:
    """It would be called for its own run, for ever."""
    occasions = Occasions()
    asked = Report(patient=True)
    assert occasions.of(asked, scheduled=scheduled, in_hook=True) == []
    assert occasions.of(Report(), scheduled=scheduled, in_hook=True) == AFTER * scheduled
    assert occasions.of(carried(), scheduled=scheduled, in_hook=True) == AFTER
    assert occasions.of(asked, scheduled=scheduled) == AFTER


async def test_a_run_that_a_hook_asks_for_does_not_call_it_again(world: World) -> None:
    world.contents.set()
    go = world.told.with_name("go")
    world.configure(
        after_run=f"{tell(world, 'HOOK')}; while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.01;"
        " done"
    )
    world.hooks.note(Report(patient=True))
    while not world.lines():  # noqa: ASYNC110 (another process writes it)
        await trio.sleep(0.01)
    world.hooks.note(Report(patient=True))
    go.touch()
    await world.hooks.drained()
    assert world.lines() == ["after_run"]
    world.hooks.note(Report(patient=True))
    await world.hooks.drained()
    assert world.lines() == ["after_run"] * 2


async def test_a_full_queue_says_so(world: World, expected_log: Callable[..., None]) -> None:
    expected_log("after_run is not called: 100 calls wait")
    world.configure(after_run=tell(world, "HOOK"))
    for _ in range(hooks.MOST_WAITING + 2):
        world.hooks.note(carried())
    world.contents.set()
    await world.hooks.drained()
    assert len(world.lines()) == hooks.MOST_WAITING


async def test_a_broken_configuration_calls_nothing(
    world: World, expected_log: Callable[..., None]
) -> None:
    expected_log("after_run is not called: .*after_run")
    world.folders.config_file.write_text('[hooks]\nafter_run = "reboot"\n')
    world.contents.set()
    world.hooks.note(carried())
    await world.hooks.drained()
