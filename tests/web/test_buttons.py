"""Every button of the page has a test that presses it."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.web.buttons import (
    MARK,
    STATIC,
    all_keys,
    buttons,
    buttons_of,
    known,
    mark,
    table_of,
)

SOURCE = """
const PAUSES = [];
export function Card({ name }) {
  return html`<div class="actions">
    <${Button} kind="main" icon="play" onClick=${() => { go({ name }); }}>${t("Go on")}<//>
    <${Button} onClick=${close}>${ready ? t("Cancel") : t("Close")}<//>
    ${PAUSES.map(([text]) => html`<${Item} onClick=${() => go(text)}>${text}<//>`)}
    <button aria-label=${t("Close {name}", { name })}><${Icon} name="close" /></button>
    <input value=${name} /><label><input type="checkbox" checked=${on} /> ${t("All")}</label>
    <a href="#/">${t("Go on")}</a></div>`;
}
const Other = ({ ...more }) => html`<button ...${more}>${t("not its own")}</button>`;
function last() {
  return html`<${Menu} label=${t("More")} hidden><select value=${name}></select><//>`;
}
"""


def test_the_sources_are_read():
    found = buttons_of("a.js", SOURCE)
    assert [key for each in found for key in each.names()] == [
        "a.js Card: Go on",
        "a.js Card: Cancel",
        "a.js Card: Close",
        "a.js Card: ${text}",
        "a.js Card: Close {name}",
        "a.js Card: All",
        "a.js Card 2: Go on",
        "a.js last: More",
        "a.js last: select",
    ]
    assert found[1].key(" Close\n") == "a.js Card: Close"
    assert found[3].key("Close docs") == "a.js Card: Close {name}"
    text = mark("a.js", SOURCE)
    assert f'<${{Button}} {MARK}="a.js 0" kind="main"' in text
    assert f'<select {MARK}="a.js 7" value' in text
    assert text.count(MARK) == len(found)


def test_nothing_that_can_be_pressed_is_overlooked():
    """Counted by what is listened to: each ``onClick`` is a button's, but of a menu's own list."""
    for script, found in buttons().items():
        source = (STATIC / script).read_text()
        listened = source.count("onClick=") - source.count('class="items" onClick=')
        assert len(found) >= listened, script
        for tag in ("<button", "<summary", "<a ", "<select", 'type="checkbox"', 'type="radio"'):
            own = source.count("...${more}>") if tag in {"<button", "<summary"} else 0
            assert len(found) >= source.count(tag) - own, (script, tag)


def test_no_two_have_one_name():
    keys = all_keys()
    assert sorted(keys) == sorted(set(keys))


def test_every_button_is_pressed_by_a_test():
    table = known()
    assert [key for key in all_keys() if key not in table] == []
    assert [key for key in table if key not in all_keys()] == []
    for test in set(table.values()):
        file, _, name = test.partition("::")
        tree = ast.parse((Path(__file__).parent / file).read_text())
        tests = [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]
        assert name in tests, test


def test_a_table_has_tests_that_always_press_the_button():
    first, second, *_ = all_keys()
    tests = {"a::x": [{first, second}, {second}], "b::y": [{second}], "c::z": [{first}]}
    assert '"a::x"' in table_of(tests, {})
    assert '"b::y"' in table_of(tests, {second: "b::y"})
    assert '"c::z"' in table_of(tests, {})
    assert "a::x" not in table_of({"a::x": [{first}, set()]}, {})
