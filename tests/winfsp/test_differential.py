"""Random calls of programs, to the drive and to a model of NTFS: no difference in any answer, nor
in what is there afterwards."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.winfsp import kernel as k
from tests.winfsp.kernel import Handle, Kernel, Refused
from tests.winfsp.model import Model, Opened
from tests.winfsp.mounted import Mounted

NAMES = ("a", "A", "b", "Doc.txt", "doc.TXT", "Ünï", "ÜNÏ", "sub", "SUB")
ACCESSES = (
    *(k.READ, k.READ, k.READ | k.WRITE, k.READ | k.WRITE | k.DELETE, k.DELETE, k.WRITE),
    *(k.READ_ATTRIBUTES, k.READ_ATTRIBUTES | k.WRITE_ATTRIBUTES),
)
SHARES = (k.SHARE_ALL, k.SHARE_ALL, k.SHARE_ALL, k.SHARE_READ, k.SHARE_READ | k.SHARE_WRITE, 0)
ATTRIBUTES = (0, 0, 0, k.NORMAL, k.READONLY, k.HIDDEN, k.SYSTEM | k.HIDDEN, k.ARCHIVE)
MOST_OPEN = 6
COMPARE_EACH = 50


class Both:
    """One handle in the drive, and its like in the model."""

    def __init__(self, real: Handle, like: Opened) -> None:
        self.real = real
        self.like = like
        self.is_closed = False


class Difference(AssertionError):
    pass


class Programs:
    def __init__(self, kernel: Kernel, seed: int) -> None:
        self.kernel = kernel
        self.model = Model()
        self.random = random.Random(seed)
        self.open: list[Both] = []
        self.told: list[str] = []

    # Comparing ------------------------------------------------------------------------------------

    def compare(self, what: str, real: Callable[[], Any], like: Callable[[], Any]) -> Any:
        """Both answers, or None when both are refused alike."""
        answers = []
        for act in (real, like):
            try:
                answers.append(("answer", act()))
            except Refused as refused:
                answers.append(("status", f"{refused.status:08x}"))
        (kind, found), (like_kind, like_found) = answers
        self.told.append(f"{what}: {found if kind == 'status' else 'done'}")
        same = kind == like_kind and (kind == "answer" or found == like_found)
        if not same:
            self.fail(f"{what}: {answers[0]}, and NTFS {answers[1]}")
        return None if kind == "status" else (found, like_found)

    def equal(self, what: str, real: Callable[[], Any], like: Callable[[], Any]) -> None:
        found = self.compare(what, real, like)
        if found is not None and found[0] != found[1]:
            self.fail(f"{what}: {found[0]!r}, and NTFS {found[1]!r}")

    def fail(self, why: str) -> None:
        raise Difference("\n".join([*self.told[-40:], why]))

    def compare_trees(self) -> None:
        found: dict[str, bytes | None] = {}

        def walk(path: str) -> None:
            with self.kernel.opened(
                path or "\\", access=k.READ_ATTRIBUTES, options=k.DIRECTORY_FILE
            ) as folder:
                entries = folder.entries()
            for entry in entries:
                if entry.name in {".", ".."}:
                    continue
                place = f"{path}\\{entry.name}"
                if entry.info.attributes & k.DIRECTORY:
                    found[place] = None
                    walk(place)
                else:
                    found[place] = b""
                    with self.kernel.opened(place) as file:
                        found[place] = file.read()

        walk("")
        if found != self.model.tree():
            self.fail(f"{found!r}\n{self.model.tree()!r}")

    # What programs do -----------------------------------------------------------------------------

    def path(self) -> str:
        depth = self.random.choice((1, 1, 1, 2, 2, 3))
        return "".join(f"\\{self.random.choice(NAMES)}" for _ in range(depth))

    def step(self) -> None:
        if not self.open or (len(self.open) < MOST_OPEN and self.random.random() < 0.4):
            self.open_something()
            return
        both = self.random.choice(self.open)
        if both.is_closed:
            self.after_cleanup(both)
            return
        act = self.random.choices(
            (
                *(self.read, self.write, self.resize, self.look, self.set_attributes),
                *(self.delete, self.rename, self.list, self.cleanup),
            ),
            weights=(4, 5, 2, 2, 2, 2, 3, 2, 6),
        )[0]
        act(both)

    def open_something(self) -> None:
        choose = self.random.choice
        disposition = choose(
            (
                k.OPEN,
                k.OPEN,
                k.CREATE,
                k.CREATE,
                k.OPEN_IF,
                k.OVERWRITE,
                k.OVERWRITE_IF,
                k.SUPERSEDE,
            )
        )
        if disposition in {k.OVERWRITE, k.OVERWRITE_IF, k.SUPERSEDE}:
            options = k.NON_DIRECTORY_FILE
        else:
            options = choose((0, k.DIRECTORY_FILE, k.DIRECTORY_FILE, k.NON_DIRECTORY_FILE))
        if self.random.random() < 0.08:
            options |= k.DELETE_ON_CLOSE
        how = (
            *(self.path(), disposition, choose(ACCESSES), choose(SHARES), options),
            choose(ATTRIBUTES),
        )
        found = self.compare(
            f"open {how}",
            lambda: self.kernel.create_file(*how),
            lambda: self.model.create_file(*how),
        )
        if found is not None:
            self.open.append(Both(*found))

    def data(self) -> bytes:
        return self.random.randbytes(self.random.choice((0, 1, 10, 100, 5000)))

    def offset(self) -> int:
        return self.random.choice((0, 0, 1, 50, 4096, 9000))

    def read(self, both: Both) -> None:
        offset, length = self.offset(), self.random.choice((1, 100, 20000))
        self.equal(
            f"read {both.real.name}",
            lambda: both.real.read(offset, length),
            lambda: both.like.read(offset, length),
        )

    def write(self, both: Both) -> None:
        if not both.real.access & k.WRITE:
            return
        offset, data = self.offset(), self.data()
        kind = self.random.choice(("write", "write", "append", "write_mapped"))
        arguments = (data,) if kind == "append" else (offset, data)
        self.equal(
            f"{kind} {both.real.name} {offset} {len(data)}",
            lambda: getattr(both.real, kind)(*arguments),
            lambda: getattr(both.like, kind)(*arguments),
        )

    def resize(self, both: Both) -> None:
        if not both.real.access & k.WRITE or both.like.thing.is_folder:
            return
        size = self.random.choice((0, 1, 100, 4096, 10000))
        kind = self.random.choice(("set_end", "set_end", "set_allocation"))
        self.equal(
            f"{kind} {both.real.name} {size}",
            lambda: getattr(both.real, kind)(size),
            lambda: getattr(both.like, kind)(size),
        )

    def look(self, both: Both) -> None:
        def real() -> tuple[int, int]:
            info = both.real.stat()
            return info.attributes, info.size

        self.equal(f"stat {both.real.name}", real, both.like.attributes_and_size)

    def set_attributes(self, both: Both) -> None:
        if not both.real.access & k.WRITE_ATTRIBUTES:
            return
        attributes = self.random.choice(ATTRIBUTES)
        self.compare(
            f"attributes {both.real.name} {attributes:x}",
            lambda: both.real.set_basic(attributes=attributes),
            lambda: both.like.set_attributes(attributes),
        )

    def delete(self, both: Both) -> None:
        if not both.real.access & k.DELETE:
            return
        delete = self.random.random() < 0.8
        self.equal(
            f"delete {both.real.name} {delete}",
            lambda: both.real.set_delete(delete=delete),
            lambda: both.like.set_delete(delete=delete),
        )

    def rename(self, both: Both) -> None:
        if not both.real.access & k.DELETE or both.like.thing.doomed:
            return
        new, replace = self.path(), self.random.random() < 0.5
        self.equal(
            f"rename {both.real.name} {new} {replace}",
            lambda: both.real.rename(new, replace=replace),
            lambda: both.like.rename(new, replace=replace),
        )

    def list(self, both: Both) -> None:
        room = self.random.choice((256, 700, 4096))
        self.equal(f"list {both.real.name}", lambda: both.real.names(room), both.like.names)
        if both.like.thing.is_folder:
            name = self.random.choice(NAMES)

            def real() -> str | None:
                found = both.real.query(name)
                return None if found is None else found.name

            self.equal(f"query {both.real.name} {name}", real, lambda: both.like.query(name))

    def cleanup(self, both: Both) -> None:
        self.equal(f"cleanup {both.real.name}", both.real.cleanup, both.like.cleanup)
        both.is_closed = True
        if self.random.random() < 0.5:
            self.finish(both)

    def after_cleanup(self, both: Both) -> None:
        if (
            self.random.random() < 0.5
            and both.real.access & k.WRITE
            and not both.like.thing.is_folder
        ):
            offset, data = self.offset(), self.data()
            self.equal(
                f"write_mapped {both.real.name}",
                lambda: both.real.write_mapped(offset, data),
                lambda: both.like.write_mapped(offset, data),
            )
        else:
            self.finish(both)

    def finish(self, both: Both) -> None:
        self.told.append(f"close {both.real.name}")
        both.real.finish()
        self.open.remove(both)

    def close_all(self) -> None:
        for both in list(self.open):
            if not both.is_closed:
                self.equal(f"cleanup {both.real.name}", both.real.cleanup, both.like.cleanup)
            self.finish(both)

    def run(self, steps: int) -> None:
        for name in ("\\sub", "\\a", "\\sub\\sub"):
            how = (name, k.CREATE, k.READ, k.SHARE_ALL, k.DIRECTORY_FILE, 0)
            self.kernel.create_file(*how).close()
            self.model.create_file(*how).cleanup()
        for number in range(1, steps + 1):
            self.step()
            if number % COMPARE_EACH == 0:
                self.close_all()
                self.compare_trees()
        self.close_all()
        self.compare_trees()


def compare(drive: Mounted, seed: int, steps: int) -> None:
    Programs(drive.kernel, seed).run(steps)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_few_hundred_operations_are_as_on_ntfs(drive: Mounted, seed: int) -> None:
    compare(drive, seed, 250)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_operations_are_as_on_ntfs(drive: Mounted) -> None:
    compare(drive, 3, 10_000)
