"""The files of `platform/linux/share` that are made from the code: manual pages and completions.

They lie in the repository, so that a wheel is built with nothing but what builds wheels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from syncin_mount.cli.commands.completion import PROGRAM, script
from syncin_mount.cli.man_page import pages

SHARE = Path(__file__).parents[2] / "platform" / "linux" / "share"
MANUAL = SHARE / "man" / "man1"
COMPLETIONS = {
    "bash": f"bash-completion/completions/{PROGRAM}",
    "zsh": f"zsh/site-functions/_{PROGRAM}",
    "fish": f"fish/vendor_completions.d/{PROGRAM}.fish",
}
"""Where each shell looks below a folder `share` of the system."""


def made() -> dict[Path, str]:
    """Return the text of each file."""
    files = {MANUAL / f"{name}.1": text for name, text in pages().items()}
    return files | {SHARE / place: script_for_all(shell) for shell, place in COMPLETIONS.items()}


def script_for_all(shell: str) -> str:
    """Return the completion as a system has it: zsh finds it by its first line."""
    text = script(shell)
    if shell != "zsh":
        return text
    # Not the line before it, which is for a start file.
    return text[text.index("#compdef ") :]


def stale() -> Iterator[Path]:
    """Yield files that the code would write otherwise, and manual pages of no command."""
    files = made()
    for path, text in files.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path
    yield from (path for path in sorted(MANUAL.glob("*.1")) if path not in files)


def write() -> list[Path]:
    """Make all of them what the code says, and return which were not."""
    files, changed = made(), list(stale())
    for path in changed:
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        else:
            path.unlink()
    return changed
