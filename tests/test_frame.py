"""The frame holds: nothing hides the standard library, imports point one way, ./dev keeps what it
says.

This file is long because it is one list of rules about the project, each with its proof.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

import syncin_mount

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / "dev"


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


# --- packages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["-c", "-m"])
@pytest.mark.parametrize("path", ["", str(ROOT)], ids=["plain", "root-first"])
def test_the_folder_platform_never_hides_the_module(way: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(
        "import platform, os; print(platform.__file__); print(os.__file__)"
    )
    how = ("-c", (tmp_path / "probe.py").read_text()) if way == "-c" else ("-m", "probe")
    # Both -c and -m put the current folder first on the import path, and PYTHONPATH comes right
    # behind.
    done = run(sys.executable, *how, cwd=ROOT, PYTHONPATH=f"{path}{os.pathsep}{tmp_path}")
    assert done.returncode == 0, done.stderr
    platform_file, os_file = map(Path, done.stdout.split())
    assert platform_file == os_file.with_name("platform.py")


def test_no_module_lies_directly_in_platform() -> None:
    assert not list((ROOT / "platform").glob("*.py")), "these would make platform/ importable"


def test_version_is_the_same_everywhere() -> None:
    assert importlib.metadata.version("syncin-mount") == syncin_mount.__version__
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == syncin_mount.__version__


def test_what_is_installed_is_what_constraints_say() -> None:
    pinned: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            found = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", line)
            assert found, f"not name==version: {line}"
            pinned[normal(found[1])] = found[2]
    wanted, seen = ["syncin-mount"], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        distribution = importlib.metadata.distribution(name)
        if name != "syncin-mount":
            assert pinned.get(name) == distribution.version, (
                f"{name} {distribution.version} is not pinned so"
            )
        wanted += [needed for needed in requirements(distribution) if needed not in seen]
    assert {
        "pyfuse3",
        "trio",
        "h11",
        "pluggy",
    } <= seen, "the walk through the requirements went wrong"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(distribution: importlib.metadata.Distribution) -> list[str]:
    from packaging.requirements import Requirement

    extras = [""]
    if normal(distribution.metadata["Name"]) == "syncin-mount":
        # What builds the site, and checks a release, is installed for who asked for it.
        extras += ["dev", *(["site"] if importlib.util.find_spec("sphinx") else [])]
        extras += ["release"] if importlib.util.find_spec("cyclonedx") else []
    parsed = map(Requirement, distribution.requires or [])
    return [
        normal(r.name)
        for r in parsed
        if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def test_winfspy_is_asked_for_on_windows_only() -> None:
    from packaging.requirements import Requirement

    (winfspy,) = [
        r
        for r in map(Requirement, importlib.metadata.requires("syncin-mount") or [])
        if r.name == "winfspy"
    ]
    assert winfspy.marker is not None
    assert winfspy.marker.evaluate({"sys_platform": "win32"})
    assert not winfspy.marker.evaluate({"sys_platform": "linux"})


# --- import rules ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_import_rules_hold() -> None:
    done = run(Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_reconciler_imports_standard_library_and_trio_only() -> None:
    graph = grimp.build_graph("reconciler", include_external_packages=True, cache_dir=None)
    outside = {name.partition(".")[0] for name in graph.modules} - {"reconciler"}
    assert outside <= sys.stdlib_module_names | {"trio"}


WRONG_IMPORTS = {
    "reconciler": "httpx",
    "reconciler/planner": "trio, reconciler.engine.engine",
    "syncin_fuse": "syncin_mount.remote, winfspy",
    "syncin_winfsp": "syncin_mount.control",
    "syncin_mount/app": "rich",
    "syncin_mount/cli": "syncin_mount.control.inner",
    "syncin_mount/devserver": "syncin_mount.remote, click",
    "syncin_mount/remote": (
        "lmdb, pyfuse3, hypercorn, click, keyring, reconciler.inner, syncin_mount.vfs"
    ),
    "syncin_mount/tray": "rich, syncin_mount.store",
    "syncin_mount/store/index": "syncin_mount.store.replica.replica",
    "syncin_mount/vfs": "httpx, jeepney",
    "syncin_mount/filemanager": "trio",
    "syncin_mount/web": "syncin_mount.store.replica.replica",
}


@pytest.mark.slow
def test_each_import_rule_catches_a_wrong_import(tmp_path: Path) -> None:
    for source in (
        "syncin_mount",
        "reconciler",
        "platform/linux/syncin_fuse",
        "platform/windows/syncin_winfsp",
    ):
        shutil.copytree(
            ROOT / source,
            tmp_path / Path(source).name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("reconciler", "syncin_mount/control"):
        (tmp_path / package / "inner.py").touch()
    for package, modules in WRONG_IMPORTS.items():
        (tmp_path / package / "wrong.py").write_text(f"import {modules}\n")
    done = run(
        Path(sys.executable).with_name("lint-imports"),
        *("--no-logo", "--no-cache"),
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path),
        COLUMNS="200",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    caught = [
        contract["id"] for contract in contracts if f"{contract['name']} BROKEN" in done.stdout
    ]
    assert caught == [contract["id"] for contract in contracts], done.stdout


# --- ./dev ----------------------------------------------------------------------------------------


def verbs() -> list[str]:
    dispatch = DEV.read_text().rpartition("case $verb in")[2]
    return [
        verb for verb in re.findall(r"^    ([a-z]+)\)", dispatch, re.MULTILINE) if verb != "help"
    ]


def test_bare_dev_explains_every_verb() -> None:
    done = run(DEV)
    assert done.returncode == 0
    assert set(verbs()) >= {"setup", "demo", "run", "test", "check", "bench", "sim"}
    for verb in verbs():
        assert re.search(rf"^  {verb}\b.*\S{{3}}", done.stdout, re.MULTILINE), (
            f"{verb} is not explained"
        )


def test_unknown_verb_is_one_sentence() -> None:
    done = run(DEV, "frobnicate")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"dev: .*frobnicate.*\n", done.stderr)


@pytest.mark.parametrize(("verb", "package"), [("bench", "benchmarks"), ("sim", "tests/sim")])
def test_verb_whose_part_is_not_there_says_so(verb: str, package: str, tmp_path: Path) -> None:
    shutil.copy(DEV, tmp_path)
    done = run(tmp_path / "dev", verb)
    assert done.returncode == 2
    assert "not there yet" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_dev_without_apt_says_what_is_missing(tmp_path: Path) -> None:
    project = bare_project(tmp_path)
    tools = fake_path(tmp_path)
    done = run("/bin/bash", project / "dev", "setup", cwd=tmp_path, PATH=str(tools))
    assert done.returncode == 1
    assert re.fullmatch(r"dev: the mount needs .*libfuse3-dev.*no apt-get here.*\n", done.stderr), (
        done.stderr
    )
    assert not (project / ".venv").exists()


def test_dev_shows_why_apt_failed(tmp_path: Path) -> None:
    project = bare_project(tmp_path)
    tools = fake_path(tmp_path)
    for name, body in {
        "apt-get": "echo E: no route to the archive; exit 100",
        "id": "echo 0",
    }.items():
        with (tools / name).open("x") as script:  # never through a link to the real tool
            script.write(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    done = run("/bin/bash", project / "dev", "setup", cwd=tmp_path, PATH=str(tools))
    assert done.returncode == 1
    assert "E: no route to the archive" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("dev: apt-get could not install fuse3")


@pytest.fixture
def slow_apt(tmp_path: Path) -> Path:
    """A project whose apt-get says what it does, and goes on when somebody writes into `go` beside
    it."""
    project = bare_project(tmp_path)
    tools = fake_path(tmp_path)
    os.mkfifo(tmp_path / "go")
    (tmp_path / "calls").touch()
    apt = f"""cd '{tmp_path}'
echo >>calls; printf 'call %d\\n\\nhalf a ' "$(grep -c '' calls)"
until read <go; do :; done  # who wrote to the one before may not have closed it yet
echo line; exit 100"""
    for name, body in {"apt-get": apt, "id": "echo 0"}.items():
        with (tools / name).open("x") as script:  # never through a link to the real tool
            script.write(f"#!/bin/bash\n{body}\n")
        (tools / name).chmod(0o755)
    return project


@pytest.mark.slow
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_dev_shows_what_an_installation_does_while_it_does_it(term: str, slow_apt: Path) -> None:
    import pexpect

    env = {"PATH": str(slow_apt.parent / "tools"), "TERM": term, "DEV_PROGRESS_SECONDS": "1"}
    dev = pexpect.spawn(
        "/bin/bash", [str(slow_apt / "dev"), "setup"], env=env, timeout=60, encoding="utf-8"
    )
    for call in (1, 2, 3):  # it gets no package, fetches the lists, tries again
        dev.expect(rf"\d s  call {call}")
        (slow_apt.parent / "go").write_text("on\n")
    dev.expect(pexpect.EOF)
    dev.close()
    assert dev.exitstatus == 1
    assert ("\r\033[K" in dev.before) == (term == "xterm")
    log = (slow_apt / ".dev.log").read_text().splitlines()
    assert log == [line for call in (1, 2, 3) for line in (f"call {call}", "", "half a line")]


def test_dev_that_is_interrupted_ends_the_installation_too(slow_apt: Path) -> None:
    import pexpect

    env = {"PATH": str(slow_apt.parent / "tools"), "TERM": "xterm"}
    dev = pexpect.spawn(
        "/bin/bash", [str(slow_apt / "dev"), "setup"], env=env, timeout=60, encoding="utf-8"
    )
    dev.expect(r"\d s  call 1")
    dev.sendintr()
    dev.expect("interrupted; the next ./dev takes it up again")
    dev.expect(pexpect.EOF)
    dev.close()
    assert dev.exitstatus == 130
    with pytest.raises(OSError, match="No such device"):  # nobody reads any more: apt-get has ended
        os.open(slow_apt.parent / "go", os.O_WRONLY | os.O_NONBLOCK)


def bare_project(folder: Path) -> Path:
    project = folder / "a project"
    project.mkdir()
    for name in ("dev", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, project)
    return project


def fake_path(folder: Path) -> Path:
    """A PATH with links to tools that every Debian has, none of what ./dev installs, and `id` left
    to the test."""
    tools = folder / "tools"
    tools.mkdir()
    for name in (
        "bash",
        "cat",
        "dirname",
        "env",
        "flock",
        "grep",
        "readlink",
        "rm",
        "sha256sum",
        "tail",
        "touch",
    ):
        found = shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    return tools


def test_git_ignores_what_dev_makes() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/.venv/", "/.dev.log", "/.dev.busy"} <= set(ignored)


# --- what conftest.py does for every test ---------------------------------------------------------

LOGGING_TESTS = """
import logging, pytest, trio
log = logging.getLogger("syncin_mount.part")

def test_quiet_fails(): log.warning("the disk is %s", "full")
async def test_async_fails(): log.error("no network")
def test_info_passes(): log.info("fine")
def test_format_fails(expected_log):
    expected_log("part", required=False)
    log.warning("%d files", "many")

@pytest.mark.expected_log("part: the disk is full")
def test_marked_passes(): log.warning("the disk is full")

@pytest.mark.expected_log("part: the disk is full")
def test_absent_fails(): pass

def test_late_passes(expected_log):
    log.warning("the disk is full")
    expected_log("disk is", level=logging.WARNING)

def test_other_level_fails(expected_log):
    expected_log("disk is", level=logging.WARNING, required=False)
    log.error("the disk is full")

@pytest.fixture
def noisy():
    yield
    log.warning("left behind")

def test_teardown_errors(noisy): pass
def test_after_passes(): pass
"""


@pytest.mark.slow
def test_unexpected_log_records_fail_the_test(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_logging.py").write_text(LOGGING_TESTS)
    options = (
        "-c",
        ROOT / "pyproject.toml",
        "-rA",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
    )
    done = run(sys.executable, "-m", "pytest", *options, tmp_path)
    outcomes = {
        name: outcome
        for outcome, name in re.findall(r"^([A-Z]+) \S*::(test_\w+)", done.stdout, re.MULTILINE)
    }
    assert len(outcomes) == 10, done.stdout
    for name, outcome in outcomes.items():
        wanted = {"passes": "PASSED", "fails": "FAILED", "errors": "ERROR"}[name.rpartition("_")[2]]
        assert outcome == wanted, f"{name}: {outcome}\n{done.stdout}"
    assert "unexpected in the log: WARNING syncin_mount.part: the disk is full" in done.stdout


TIERED_TESTS = {
    "tests/test_fast.py": (
        """
import hypothesis, pytest
from hypothesis import strategies as st
def test_fast(): pass
@pytest.mark.slow
def test_marked(): pass
def test_examples(): print("EXAMPLES", hypothesis.settings.default.max_examples)
"""
    ),
    "tests/store/test_of_a_fast_folder.py": (
        """
import pytest
def test_store(): pass
@pytest.mark.timeout(10)
def test_short(): pass
@pytest.mark.timeout(300)
def test_long(): pass
"""
    ),
    "tests/mounts/test_of_a_slow_folder.py": "def test_mount(): pass",
}

FAST = {"fast", "examples", "store", "short"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "wanted", "examples"),
    [
        ((), FAST, 10),
        (("-n", "2"), FAST, 10),
        (("--all", "-n", "2"), FAST | {"marked", "mount", "long"}, 100),
        (("tests/test_fast.py",), {"fast", "examples", "marked"}, 10),
        (("tests/mounts",), {"mount"}, 10),
        (("--hypothesis-profile=ci",), FAST, 100),
    ],
)
def test_tiers(arguments: tuple[str, ...], wanted: set[str], examples: int, tmp_path: Path) -> None:
    for name, text in TIERED_TESTS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copy(ROOT / "tests/conftest.py", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = run(
        sys.executable,
        "-m",
        "pytest",
        "-rA",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        tmp_path / "t",
        *arguments,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"^PASSED \S*::test_(\w+)", done.stdout, re.MULTILINE)) == wanted
    if "tests/mounts" not in arguments:
        assert f"EXAMPLES {examples}\n" in done.stdout


def test_a_marker_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "test_it.py").write_text("import pytest\n@pytest.mark.slwo\ndef test_it(): pass\n")
    done = run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert done.returncode != 0
    assert "'slwo' not found in `markers`" in done.stdout
