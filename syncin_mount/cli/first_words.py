"""What `syncin-mount` says without a command: the three things that one does first."""

from __future__ import annotations

from syncin_mount.cli.users_language import users_file
from syncin_mount.language import mark, t

_NEW = (
    ("demo", mark("try it: a server of its own, and a drive with samples")),
    ("add", mark("add your first drive; it asks for what it needs")),
    ("ui", mark("do the same with the mouse, in the browser")),
)
_WITH_DRIVES = (
    ("status", mark("the state of your drives")),
    ("up", mark("mount them all, and keep them mounted")),
    ("ui", mark("see and do everything with the mouse, in the browser")),
)


def first_words() -> str:
    """Return the text: for somebody without a drive, or with some. Raises ConfigurationError and
    FolderError for a configuration that cannot be read."""
    has_drives = _has_drives(users_file())
    heading = (
        t("A Sync-in folder as a drive that is always there. With yours:")
        if has_drives
        else t("A Sync-in folder as a drive that is always there. To begin:")
    )
    shown = _WITH_DRIVES if has_drives else _NEW
    lines = [f"  syncin-mount {name:8}{t(what)}" for name, what in shown]
    rest = t("All commands: {command}", command="syncin-mount --help")
    return "\n".join([heading, "", *lines, "", rest])


def _has_drives(path: str) -> bool:
    """By the configuration file alone, whose own reader takes long to load. Raises what that says
    of one that cannot be read: every command would."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return False
    except OSError:
        return _explained()
    if not text.strip():
        return False
    import tomllib  # noqa: PLC0415 (start-up time)

    try:
        return bool(tomllib.loads(text.decode("utf-8-sig")).get("synchronizations"))
    except (ValueError, RecursionError):
        return _explained()


def _explained() -> bool:
    """Raises ConfigurationError, FolderError."""
    from syncin_mount.cli.ui.lookup import load  # noqa: PLC0415 (start-up time)

    return bool(load()[1].synchronizations)
