"""Building programs, and installing them."""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from tests.programs import needs, run
from tests.workloads.desk import Desk

UNITS = 200

MAKEFILE = """\
units := $(wildcard unit*.c)
objects := $(units:%.c=build/%.o)

program: $(objects) build/main.o
\t$(CC) -o $@ $^

build/%.o: %.c | build
\t$(CC) -O0 -MMD -c -o $@ $<

build:
\tmkdir build

-include $(wildcard build/*.d)
"""


def write_sources(folder: Path) -> None:
    """A program whose output tells that every unit is in it, as it is now. Every tenth unit
    includes ``ten.h``."""
    names = [f"unit{number}" for number in range(UNITS)]
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "all.h").write_text("".join(f"int {name}(int);\n" for name in names))
    (folder / "ten.h").write_text("#define TEN 10\n")
    for number, name in enumerate(names):
        include = '#include "ten.h"\n' if number % 10 == 0 else "#define TEN 0\n"
        body = "".join(f"    if (x == {-each}) return {each};\n" for each in range(1, 20))
        (folder / f"{name}.c").write_text(
            f'#include "all.h"\n{include}int {name}(int x)\n{{\n{body}    return x + TEN;\n}}\n'
        )
    calls = "".join(f"    x = {name}(x);\n" for name in names)
    main = f'#include <stdio.h>\n#include "all.h"\nint main(void)\n{{\n    int x = 1;\n{calls}'
    main += '    printf("%d\\n", x);\n}\n'
    (folder / "main.c").write_text(main)


def compiled(said: str) -> list[str]:
    """The units that make compiled."""
    return sorted(line.split()[-1] for line in said.splitlines() if " -c " in line)


@pytest.mark.timeout(300)
def test_make_builds_what_changed_and_nothing_else(desk: Desk, place: Path) -> None:
    needs("make")
    needs("cc")
    write_sources(place)
    assert len(compiled(run("make", "-j2", cwd=place))) == UNITS + 1
    assert run(place / "program") == f"{1 + UNITS}\n"
    assert "up to date" in run("make", "-j2", cwd=place)
    desk.in_step()
    run("make", "-q", cwd=place)
    with (place / "unit7.c").open("a") as file:
        file.write("/* edited */\n")
    assert compiled(run("make", cwd=place)) == ["unit7.c"]
    (place / "ten.h").write_text("#define TEN 100\n")
    assert len(compiled(run("make", "-j2", cwd=place))) == UNITS // 10
    assert run(place / "program") == f"{1 + 10 * UNITS}\n"
    run("make", "-q", cwd=place)


def wheel(folder: Path) -> Path:
    """A package with a module, a data file and a command."""
    name = "workload-1.0"
    files = {
        "workload/__init__.py": (
            "from importlib.resources import files\n\n\ndef main():\n"
            "    print(files(__name__).joinpath('data.txt').read_text())\n"
        ),
        "workload/data.txt": "installed\n",
        f"{name}.dist-info/METADATA": "Metadata-Version: 2.1\nName: workload\nVersion: 1.0\n",
        f"{name}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        f"{name}.dist-info/entry_points.txt": "[console_scripts]\nworkload = workload:main\n",
    } | {f"workload/part{number}.py": f"number = {number}\n" * 50 for number in range(100)}
    record = ""
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, text in files.items():
            archive.writestr(each, text)
            digest = (
                base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
                .rstrip(b"=")
                .decode()
            )
            record += f"{each},sha256={digest},{len(text)}\n"
        archive.writestr(f"{name}.dist-info/RECORD", f"{record}{name}.dist-info/RECORD,,\n")
    return path


@pytest.mark.timeout(300)
def test_pip_installs_into_an_environment(desk: Desk, place: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", place / "env")
    programs = place / "env" / "bin"
    pip = [programs / "python", "-m", "pip", "--no-input", "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", wheel(tmp_path))
    assert run(programs / "workload") == "installed\n\n"
    run(*pip, "check")
    desk.in_step()
    assert run(programs / "workload") == "installed\n\n"
    assert run(programs / "python", "-c", "import sys; print(sys.prefix)") == f"{place / 'env'}\n"
    run(
        *pip,
        "install",
        "--no-index",
        "--force-reinstall",
        tmp_path / "workload-1.0-py3-none-any.whl",
    )
    run(*pip, "uninstall", "-y", "workload")
    assert not list(place.rglob("workload*"))
    assert not (place / "env" / "lib64" / "~orkload").exists()
