"""Makes the stand-in for WinFsp's library (library.c) with mingw, for what `./dev wine` runs.

winfspy's binding is linked to all functions of the library. Those that library.c lacks are
generated from the binding's own table of imports: they answer that they are not implemented.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
COMPILER = "x86_64-w64-mingw32-gcc"
OBJDUMP = "x86_64-w64-mingw32-objdump"
NAME = "winfsp-x64.dll"
NOT_IMPLEMENTED = "(int32_t)0xC0000002"


def is_there(binding: Path, target: Path) -> bool:
    """Whether it is made for this binding, from this source."""
    mark = target / "key"
    return binding.exists() and mark.exists() and mark.read_text() == _key(binding)


def _key(binding: Path) -> str:
    source = (HERE / "library.c").read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(source + binding.read_bytes()).hexdigest()


def make(binding: Path, target: Path) -> None:
    """``target``/bin has the library then, unless it is there already. Raises RuntimeError."""
    if is_there(binding, target):
        return
    source = (HERE / "library.c").read_text()
    folder = target / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    needed = imports(_output([OBJDUMP, "-p", str(binding)]))
    generated = folder / "generated.c"
    generated.write_text(stand_ins(needed, source))
    _output(
        [
            *(COMPILER, "-shared", "-O1", "-Wall", "-Wextra", "-Werror"),
            *("-o", str(folder / NAME), str(HERE / "library.c"), str(generated)),
        ]
    )
    (target / "key").write_text(_key(binding))


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def imports(dump: str) -> list[str]:
    """What a binary needs of the library, by objdump's account of it."""
    part = dump.partition(f"DLL Name: {NAME}")[2].partition("DLL Name:")[0]
    return re.findall(r"\b(Fsp\w+)$", part, re.MULTILINE)


def stand_ins(needed: Sequence[str], source: str) -> str:
    """C for the functions that the source does not define."""
    there = set(re.findall(r"^EXPORT [^;{]*?\b(\w+)\(", source, re.MULTILINE))
    lines = ["#include <stdint.h>"]
    lines += [
        f"__declspec(dllexport) int32_t {name}(void) {{ return {NOT_IMPLEMENTED}; }}"
        for name in needed
        if name not in there
    ]
    return "\n".join(lines) + "\n"
