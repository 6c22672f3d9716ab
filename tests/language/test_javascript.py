"""The scanner of the page's scripts."""

from __future__ import annotations

import pytest

from tests.language.javascript import forgotten, marked

SCRIPT = """
// t("not this one")
const a = t("one"), b = html`<p title=${t("two")}>${x ? html`<b>${t("three "
  + "parts", { n: { a: 1 } })}</b>` : tn("{count} file", "{count} files", n)}</p>`;
const re = text.replace(/["'`]t\\("no"\\)/g, (a) => a / 2);
object.t("no"); function t(text) {}
const c = rich('it\\'s {who}', { who: html`<i>${who}</i>` });
"""


def test_marked_texts_are_found_wherever_they_stand():
    assert [(each.call, each.texts) for each in marked(SCRIPT)] == [
        ("t", ("one",)),
        ("t", ("two",)),
        ("t", ("three parts",)),
        ("tn", ("{count} file", "{count} files")),
        ("rich", ("it's {who}",)),
    ]


@pytest.mark.parametrize("source", ["t(name)", "t(`text`)", 't("a" + name)', 'tn("a", many, 2)'])
def test_a_text_that_is_no_literal_is_refused(source: str):
    with pytest.raises(ValueError, match="wants a literal text"):
        list(marked(source))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("html`<p>Not said</p>`", "Not said"),
        ("html`<p>${a} left ${b}</p>`", "left"),
        ('html`<input aria-label="Name" />`', "aria-label=Name"),
        ("html`<${Text} hint=plain />`", "hint=plain"),
        ("html`<p title=\"${name} is away\" />`", "title=… is away"),
        ('html`${a && html`<b>deep in it</b>`}`', "deep in it"),
        ('const a = ["Both directions"];', "Both directions"),
        ('notice("Failed")', "Failed"),
        ("const a = `${count} files are left`;", "files are left"),
        ('t("said") + "and not said"', "and not said"),
    ],
)  # fmt: skip
def test_what_is_not_marked_is_found(source: str, text: str):
    assert [found for _, found in forgotten(source)] == [text]


@pytest.mark.parametrize(
    "source",
    [
        'html`<p class="button main" key=${a}>${t("Said")} · ${b}</p>`',
        'act("conflicts/acknowledge", { name, paths: ["a"] })',
        "const a = `${base}/api/${path}`;",
        '// "Not a text"\n/* Nor this one */',
        'html`<svg viewBox="0 0 24 24"><path d=${a} /></svg>`',
        'import { h } from "preact";',
    ],
)
def test_what_nobody_reads_is_left_alone(source: str):
    assert list(forgotten(source)) == []
