"""Deliberate faults, each in a copy of the committed sources: what the lists of `tests.sim` and
`tests.crash` are made of."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Mutation:
    """``old`` becomes ``new`` in ``file``, wherever it stands. Where the test's kills are to come
    is ``points``; anywhere without them."""

    what: str
    file: str
    old: str
    new: str
    points: tuple[str, ...] = ()


@contextmanager
def committed_sources() -> Iterator[Path]:
    """A folder with the sources as they are committed."""
    with tempfile.TemporaryDirectory(prefix="syncin-original-") as place:
        archive = subprocess.run(
            ["git", "archive", "HEAD"], cwd=TOP, capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", place], input=archive, check=True)
        yield Path(place)


@contextmanager
def mutated(original: Path, mutation: Mutation) -> Iterator[Path]:
    """A folder with a copy of the sources that has the fault."""
    with tempfile.TemporaryDirectory(prefix="syncin-mutation-") as place:
        copy = Path(place)
        shutil.copytree(original, copy, dirs_exist_ok=True)
        file = copy / mutation.file
        file.write_text(file.read_text().replace(mutation.old, mutation.new))
        yield copy


def out_of_place(original: Path, mutations: Collection[Mutation]) -> bool:
    """Whether one replaces a text that is not there any more; prints which."""
    gone = [each.what for each in mutations if each.old not in (original / each.file).read_text()]
    if gone:
        print("these faults have no place in the sources any more:", *gone, sep="\n  ")
    return bool(gone)
