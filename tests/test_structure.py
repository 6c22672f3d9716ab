"""Parts stay parts: no private member of another class, and classes, files and folders that one can
read in one go."""

from __future__ import annotations

import ast
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# --- private members ------------------------------------------------------------------------------

PARTS = (
    "syncin_mount/store/replica",
    "syncin_mount/store/durability",
    "syncin_mount/store/index",
)
"""Packages whose classes are parts: each owns its private members alone."""


parsed = functools.cache(ast.parse)


@functools.cache
def sources(*folders: str) -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def own_members(owner: ast.ClassDef) -> set[str]:
    """What the class body defines, and what its methods assign to ``self``."""
    names = {each.name for each in owner.body if isinstance(each, ast.FunctionDef)}
    names |= {each.name for each in owner.body if isinstance(each, ast.AsyncFunctionDef)}
    for each in owner.body:
        targets = each.targets if isinstance(each, ast.Assign) else [getattr(each, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names | {
        each.attr
        for each in ast.walk(owner)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id == "self"
    }


def is_own(receiver: ast.expr, within: ast.stmt) -> bool:
    """Whether the expression is the class's own instance: ``self``, or in a class method (which
    makes one) any plain name."""
    makes_one = isinstance(within, ast.FunctionDef) and any(
        isinstance(each, ast.Name) and each.id == "classmethod" for each in within.decorator_list
    )
    return isinstance(receiver, ast.Name) and (receiver.id == "self" or makes_one)


def foreign_private_members(source: str) -> list[str]:
    """Return ``LINE: EXPRESSION`` of each private member that the file uses, and that the class
    around it, or a base of that in the same file, does not define."""
    tree = parsed(source)
    classes = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}

    def known(owner: ast.ClassDef) -> set[str]:
        names = own_members(owner)
        for base in owner.bases:
            if isinstance(base, ast.Name) and base.id in classes:
                names |= known(classes[base.id])
        return names

    found = []
    for top in tree.body:
        allowed = known(top) if isinstance(top, ast.ClassDef) else set[str]()
        for statement in top.body if isinstance(top, ast.ClassDef) else [top]:
            found += [
                f"{each.lineno}: {ast.unparse(each)}"
                for each in ast.walk(statement)
                if isinstance(each, ast.Attribute)
                and is_private(each.attr)
                and not (each.attr in allowed and is_own(each.value, statement))
            ]
    return found


@pytest.mark.parametrize("folder", PARTS)
def test_no_part_touches_another_s_private_members(folder: str) -> None:
    files = sources(folder)
    assert files
    found = {name: foreign_private_members(source) for name, source in files.items()}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class Bin:\n def f(self): self._w._do()", ["2: self._w", "2: self._w._do"]),
        ("class Bin:\n def __init__(self, w): self._w = w._w", ["2: w._w"]),
        (
            "class Bin:\n def __init__(self, w): self._w = w\n def f(self): self._w._w",
            ["3: self._w._w"],
        ),
        ("class Upper(Lower):\n def f(self): return self._lower", ["2: self._lower"]),
        ("def f(replica): return replica._ix", ["1: replica._ix"]),
        ("class Bin:\n def f(self, w): w._count = 1", ["2: w._count"]),
        ("class Base:\n _a = 1\nclass Bin(Base):\n def f(self): return self._a", []),
        ("class Bin:\n def _g(self): return self._g()", []),
        ("class Bin:\n @classmethod\n def f(cls): cls()._g()\n def _g(self): 0", ["3: cls()._g"]),
        ("class Bin:\n @classmethod\n def f(cls):\n  x = cls()\n  x._g()\n def _g(self): 0", []),
    ],
)
def test_a_private_member_of_another_class_is_found(source: str, found: list[str]) -> None:
    assert sorted(foreign_private_members(source)) == sorted(found)


# --- sizes ----------------------------------------------------------------------------------------

SIZED = ("reconciler", "syncin_mount", "platform/windows/syncin_winfsp")
MOST_METHODS = 40
MOST_LINES = 450
MOST_MODULES = 15
REASON = "This file is long because "
"""So begins the reason, in the first docstring of a file over `MOST_LINES`."""

TOO_MANY_METHODS: dict[str, int] = {}
"""Classes that still have more methods, those of bases included, and how many: no more may come."""

TOO_LONG: dict[str, int] = {}
"""Files that are still longer without a reason, and how long (rounded up to 50): no more may
come."""

TOO_FULL = {
    "syncin_mount/cli/commands": 38,
    "syncin_mount/devserver": 26,
}
"""Folders that have more modules, and how many at the most: a command has a module of its own, the
embedded server is one flat program."""


def method_counts(files: dict[str, str]) -> dict[str, int]:
    """Return, by ``FILE:CLASS``, how many functions the class and its bases have (bases are found
    by their name)."""
    classes: dict[str, list[tuple[str, ast.ClassDef]]] = {}
    for file, source in files.items():
        for each in ast.walk(parsed(source)):
            if isinstance(each, ast.ClassDef):
                classes.setdefault(each.name, []).append((file, each))

    def names(owner: ast.ClassDef, seen: tuple[str, ...]) -> Iterator[str]:
        for each in owner.body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                yield each.name
        for base in owner.bases:
            if isinstance(base, ast.Name) and base.id not in seen:
                for _, above in classes.get(base.id, [])[:1]:
                    yield from names(above, (*seen, base.id))

    return {
        f"{file}:{name}": len(set(names(owner, (name,))))
        for name, owners in classes.items()
        for file, owner in owners
    }


def has_reason(source: str) -> bool:
    return REASON in " ".join((ast.get_docstring(parsed(source)) or "").split())


def line_counts(files: dict[str, str]) -> dict[str, int]:
    """Return the lines of each file that gives no reason for them."""
    return {name: source.count("\n") for name, source in files.items() if not has_reason(source)}


def module_counts(files: dict[str, str]) -> dict[str, int]:
    """Return how many modules each folder has, ``__init__`` and what is in other folders left
    out."""
    return Counter(str(Path(name).parent) for name in files if not name.endswith("/__init__.py"))


def beyond(counts: dict[str, int], most: int, allowed: dict[str, int]) -> dict[str, int]:
    """Return what is over ``most`` and over its exception."""
    return {name: count for name, count in counts.items() if count > allowed.get(name, most)}


def needless(counts: dict[str, int], most: int, allowed: dict[str, int]) -> list[str]:
    """Return the exceptions that nothing needs any more."""
    return [name for name in allowed if counts.get(name, 0) <= most]


RULES = [
    pytest.param(method_counts, MOST_METHODS, TOO_MANY_METHODS, id="methods"),
    pytest.param(line_counts, MOST_LINES, TOO_LONG, id="lines"),
    pytest.param(module_counts, MOST_MODULES, TOO_FULL, id="modules"),
]


@pytest.mark.parametrize(("count", "most", "allowed"), RULES)
def test_no_class_file_or_folder_grows_beyond_what_one_can_read(
    count: Callable[[dict[str, str]], dict[str, int]], most: int, allowed: dict[str, int]
) -> None:
    assert beyond(count(sources(*SIZED)), most, allowed) == {}


@pytest.mark.parametrize(("count", "most", "allowed"), RULES)
def test_no_exception_is_needless(
    count: Callable[[dict[str, str]], dict[str, int]], most: int, allowed: dict[str, int]
) -> None:
    assert needless(count(sources(*SIZED)), most, allowed) == [], "take these lines out"


def test_the_rules_can_fail() -> None:
    methods = "".join(f"    def f{number}(self): ...\n" for number in range(30))
    more = methods.replace("def f", "def g")
    files = {
        "a/lower.py": f"class Lower:\n{methods}",
        "a/upper.py": f"class Upper(Lower):\n{more}",
        "a/long.py": "x = 1\n" * 451,
        "a/long_with_reason.py": f'"""What.\n\n{REASON}it is a table.\n"""\n' + "x = 1\n" * 451,
        **{f"b/{number}.py": "" for number in range(16)},
        "b/__init__.py": "",
    }
    assert beyond(method_counts(files), MOST_METHODS, {}) == {"a/upper.py:Upper": 60}
    assert beyond(line_counts(files), MOST_LINES, {}) == {"a/long.py": 451}
    assert beyond(module_counts(files), MOST_MODULES, {}) == {"b": 16}
    assert beyond(module_counts(files), MOST_MODULES, {"b": 16}) == {}
    assert needless(module_counts(files), MOST_MODULES, {"a": 20, "b": 20}) == ["a"]
