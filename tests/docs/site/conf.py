"""What Sphinx reads: the pages of docs/ as a site that asks no other host for anything."""

from __future__ import annotations

from syncin_mount import __version__
from tests.docs.generate import ROOT

_ICON = ROOT / "platform/linux/share/icons/hicolor/scalable/apps/syncin-mount.svg"

project = "syncin-mount"
release = __version__
html_title = f"syncin-mount {release}"
extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "index"
nitpicky = True

# The pages are plain Markdown, as forges show it: no syntax of MyST but the toctrees that
# tests/docs/site/source.py adds.
myst_disable_syntax = [
    *("myst_block_break", "myst_line_comment", "myst_role", "myst_target"),
    *("front_matter", "footnote_ref", "footnote_def"),
]
myst_heading_anchors = 4
# A dash is a dash, and two are an option.
smartquotes = False

# Of what was printed only the commands are copied.
copybutton_prompt_text = "$ "

html_theme = "furo"
html_static_path = ["static"]
html_logo = html_favicon = str(_ICON)
templates_path = ["templates"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_show_copyright = False
html_theme_options = {
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
    # The blue of the page of the program.
    "light_css_variables": {"color-brand-primary": "#2563c9", "color-brand-content": "#2563c9"},
    "dark_css_variables": {"color-brand-primary": "#7aa7f5", "color-brand-content": "#7aa7f5"},
}
html_permalinks_icon = "#"
# The page of the search tells where a word was found.
html_show_search_summary = True
html_search_scorer = str(ROOT / "tests/docs/site/scorer.js")
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"
