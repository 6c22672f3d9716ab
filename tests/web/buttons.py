"""Every button of the page, by what the sources say, and who presses it.

`buttons` reads the page's own scripts: buttons, links, entries of menus, what opens and closes,
and what is ticked or chosen. A browser test gets the scripts with a mark on each of them
(`marked`), and the page tells which were pressed by a mouse or a key. ``buttons.toml`` has a test
for each button; `test_buttons` finds one that nobody presses, and each of these tests fails when
it does not press what it is said to.

``python -m tests.web.buttons FOLDER`` writes ``buttons.toml`` from what the tests left in the
folder ``SYNCIN_PRESSES``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from syncin_mount.web.files import OWN

STATIC = Path(__file__).parents[2] / "syncin_mount/web/static"
TABLE = Path(__file__).with_name("buttons.toml")

_OPENING = re.compile(r"<(?:(button|a|summary|select|input)\b|\$\{(Button|Item|Menu)\})")
_OWNER = re.compile(r"^(?:export )?(?:function |const (?=[A-Z]))(\w+)", re.MULTILINE)
_TEXT = r't\(\s*"((?:[^"\\]|\\.)*)"[^)]*\)'
_COUNTED = r'tn\(\s*"((?:[^"\\]|\\.)*)"'
_EITHER = re.compile(rf"\?\s*{_TEXT}\s*:\s*{_TEXT}")
_CLOSING = re.compile(r"</(?:button|a|summary|select)>|<//>")
MARK = "data-pressed"


@dataclass(frozen=True)
class Button:
    """``at`` is where a mark goes into the script, ``labels`` what it may be called: more than one
    where it depends."""

    script: str
    owner: str
    labels: tuple[str, ...]
    at: int
    number: int = 1
    """Of those in the owner with this label."""

    @property
    def place(self) -> str:
        return f"{self.owner} {self.number}" if self.number > 1 else self.owner

    def names(self) -> list[str]:
        """One for each label."""
        return [f"{self.script} {self.place}: {label}" for label in self.labels]

    def key(self, shown: str) -> str:
        """The one that stands for what it was called when it was pressed."""
        for label, key in zip(self.labels, self.names(), strict=True):
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", ".*", re.escape(label)), shown.strip()):
                return key
        return self.names()[0]


def buttons_of(script: str, source: str) -> list[Button]:
    """Those of one script, in their order."""
    owners = [(found.start(), found[1]) for found in _OWNER.finditer(source)]
    found: list[Button] = []
    for opening in _OPENING.finditer(source):
        end = _end_of_tag(source, opening.end())
        tag = source[opening.end() : end]
        name = opening[1] or opening[2]
        if "...${more}" in tag:
            continue  # it is made for others, who have their own
        if name == "input" and not re.search(r'type="(checkbox|radio)"', tag):
            continue
        owner = [each for start, each in owners if start < opening.start()][-1]
        labels = _labels(name, tag, source[end:])
        same = sum(each.owner == owner and each.labels == labels for each in found)
        found.append(Button(script, owner, labels, opening.end(), same + 1))
    return found


def _end_of_tag(source: str, start: int) -> int:
    """Just after the ``>`` that ends a tag, whose values may have others in them."""
    depth = 0
    for at in range(start, len(source)):
        match source[at]:
            case "{":
                depth += 1
            case "}":
                depth -= 1
            case ">" if depth == 0:
                return at + 1
    raise ValueError(f"a tag without an end: {source[start : start + 60]}")


def _labels(name: str, tag: str, rest: str) -> tuple[str, ...]:
    named = re.search(r"(?:label|title)=\$\{(.*)", tag, re.DOTALL)
    inside = "" if tag.endswith("/>") else rest[: _first(_CLOSING, rest)]
    if name in {"input", "select"}:
        inside = rest[: _first(re.compile("</label>"), rest)] if name == "input" else ""
    words = named[1] if named else inside
    if either := _EITHER.search(words):
        return (either[1], either[2])
    if text := re.search(_TEXT, words):
        return (text[1],)
    if value := re.search(r"(?<!<)\$\{([\w.\[\]]+)\}", inside):
        return (f"${{{value[1]}}}",)
    if counted := re.search(_COUNTED, words):
        return (counted[1],)
    return (name,)


def _first(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return found.start() if found else len(text)


def buttons() -> dict[str, list[Button]]:
    """Of each script."""
    return {script: buttons_of(script, (STATIC / script).read_text()) for script in OWN}


@cache
def marked(script: str) -> str:
    """The script, with a mark on each of its buttons: the script and the button's index."""
    return mark(script, (STATIC / script).read_text())


def mark(script: str, source: str) -> str:
    parts, last = [], 0
    for index, each in enumerate(buttons_of(script, source)):
        parts += [source[last : each.at], f' {MARK}="{script} {index}"']
        last = each.at
    return "".join([*parts, source[last:]])


TELL = f"""
addEventListener("click", (event) => {{
  const pressed = event.isTrusted && event.target.closest && event.target.closest("[{MARK}]");
  if (pressed && pressed.tagName !== "SELECT") tell(pressed);
}}, true);
addEventListener("change", (event) => {{
  if (event.target.tagName === "SELECT" && event.target.matches("[{MARK}]")) tell(event.target);
}}, true);
function tell(pressed) {{
  const label = pressed.getAttribute("aria-label") || pressed.innerText || "";
  window.tellPressed(pressed.getAttribute("{MARK}"), label);
}}
"""
"""In the page. A choice of a list is not made by a click, and Playwright's is the page's own
event."""


class Presses:
    """What was pressed since a test began."""

    def __init__(self) -> None:
        self._buttons: dict[str, list[Button]] = {}
        self.keys: set[str] = set()

    def take(self, mark: str, label: str) -> None:
        """What the page tells."""
        self._buttons = self._buttons or buttons()
        script, _, index = mark.partition(" ")
        self.keys.add(self._buttons[script][int(index)].key(label))


PRESSES = Presses()


def known() -> dict[str, str]:
    """By the table: the test that presses each button."""
    table: dict[str, list[str]] = tomllib.loads(TABLE.read_text())
    return {key: test for test, keys in table.items() for key in keys}


def all_keys() -> list[str]:
    return [key for each in buttons().values() for button in each for key in button.names()]


# Writing the table -------------------------------------------------------------------------------
def table_of(tests: dict[str, list[set[str]]], before: dict[str, str]) -> str:
    """``tests`` has what each run of each test pressed: one is taken that always presses it, and
    the one of ``before`` where it does."""
    always = {test: set.intersection(*runs) for test, runs in tests.items()}
    chosen: dict[str, list[str]] = {}
    for key in all_keys():
        may = sorted(test for test, pressed in always.items() if key in pressed)
        if before.get(key) in may:
            may = [before[key]]
        if may:
            chosen.setdefault(may[0], []).append(key)
    lines: list[str] = []
    for test, keys in sorted(chosen.items()):
        lines += ["", f"{_quoted(test)} = [", *(f"    {_quoted(key)}," for key in keys), "]"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _runs(lines: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
    for line in lines:
        test, _, keys = line.rstrip("\n").partition("\t")
        yield test, set(filter(None, keys.split("\t")))


def main() -> None:
    tests: dict[str, list[set[str]]] = {}
    for file in Path(sys.argv[1]).iterdir():
        with file.open() as lines:
            for test, keys in _runs(lines):
                tests.setdefault(test, []).append(keys)
    head = TABLE.read_text().partition("\n\n")[0] if TABLE.exists() else "# "
    text = table_of(tests, known() if TABLE.exists() else {})
    TABLE.write_text(f"{head}\n{text}")
    missing = [key for key in all_keys() if key not in known()]
    print(*missing, sep="\n")
    print(f"{len(missing)} of {len(all_keys())} are pressed by no test")


if __name__ == "__main__":
    main()
