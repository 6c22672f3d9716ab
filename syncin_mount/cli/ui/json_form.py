"""What programs are given with ``--json``: one spelling for one thing, and each time as RFC 3339.

A message of the control API keeps its keys on the wire; here it gets those of the documents. Every
key is described in `KEYS`, which docs/reference/json.md is made from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncin_mount.config import Synchronization

TIMES = frozenset(
    {
        "changed",
        "created",
        "last_log_in",
        "last_run",
        "mtime",
        "next_run",
        "next_try",
        "offline_since",
        "paused_until",
        "time",
        "token_expiration",
        "until",
    }
)
"""Keys whose value is a moment."""

_OF_STRUCT: dict[str, dict[str, str]] = {
    "ConflictVersions": {"conflict": "resolved"},
    "Explained": {
        "base": "base_state",
        "known": "remote_known",
        "local": "local_state",
        "remote": "remote_state",
    },
    "Explanation": {"offline": "why_offline"},
    "JournalEntry": {"sequence": "number"},
    "PlannedAction": {
        "base": "base_state",
        "local": "local_state",
        "remote": "remote_state",
    },
    "Progress": {"actions": "actions_planned", "left": "seconds_left"},
    "Report": {"offline": "why_offline"},
    "Running": {"done": "bytes_done", "left": "seconds_left"},
    "Status": {"failed": "why_failed", "held": "held_count"},
    "Transfer": {"moved": "bytes", "sequence": "number", "synchronization": "name"},
}
"""Keys of messages that mean something else elsewhere, or are called otherwise there."""

_OF_SETTINGS = {"scheduler": "schedule", "timestamp": "changed"}
"""Keys of a synchronization's table in the configuration: there `scheduler` is also the program's
setting."""


def pause_of(synchronization: Synchronization, now: float) -> dict[str, Any]:
    """The pause as it is at this moment (s since the epoch), for such a table."""
    paused = synchronization.is_paused(now)
    until = synchronization.paused_until if paused else None
    return {"paused": paused, "paused_until": until}


def document(value: Any) -> Any:
    """Plain lists, mappings and values of anything that a command tells. Times in seconds since
    1970, or in another ISO form, become RFC 3339 with the local offset."""
    if isinstance(value, Mapping):
        return {
            key: _moment(each) if key in TIMES else document(each) for key, each in value.items()
        }
    fields = getattr(type(value), "__struct_fields__", None)
    if fields is not None:
        names = _OF_STRUCT.get(type(value).__name__, {})
        return document({names.get(key, key): getattr(value, key) for key in fields})
    if isinstance(value, list | tuple):
        return [document(each) for each in value]
    return getattr(value, "value", value)


def settings(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a synchronization's settings, as `syncin_mount.config.schema.as_table` writes
    it, with the keys of the documents."""
    return {_OF_SETTINGS.get(key, key): value for key, value in table.items()}


def rfc3339(seconds: float) -> str:
    """The moment in local time with its offset, to the millisecond. One that no calendar has
    becomes the nearest that it has, in UTC."""
    try:
        found = dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, OSError, ValueError):
        found = _LAST if seconds > 0 else _FIRST
    try:
        return found.astimezone().isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return found.isoformat(timespec="milliseconds")


_FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)
_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


def _moment(value: Any) -> Any:
    """A text that is no moment stays as it is: a field of a log's record may have any name."""
    if isinstance(value, str):
        try:
            return rfc3339(dt.datetime.fromisoformat(value).timestamp())
        except (OverflowError, ValueError):
            return value
    return value if value is None else rfc3339(value)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the documents: its type in words, and what it says, in Markdown."""

    type: str
    about: str


_TEXT, _NUMBER, _TRUTH, _TIME = "text", "number", "true or false", "time"

KEYS: dict[str, Key] = {
    "about": Key(_TEXT, "The server or synchronization that a check is about; else null."),
    "absent": Key(_NUMBER, "Files whose content is not here yet."),
    "acknowledged": Key(_TRUTH, "Whether somebody acknowledged the conflict."),
    "actions": Key("list", "The steps that a run would take."),
    "actions_done": Key(_NUMBER, "Planned actions that are done."),
    "actions_planned": Key(_NUMBER, "Actions of the plan that is carried out."),
    "address": Key(_TEXT, "The client's network address, as the server saw it."),
    "alike": Key("object", "Files of the same size and another time on both sides."),
    "aside": Key(_TEXT, "The folder with the damaged files that were set aside."),
    "base_state": Key("object", "The last state on which both sides agreed."),
    "bases_ended": Key(_TRUTH, "Whether the next run unites both sides, and deletes nothing."),
    "bin": Key(_TEXT, "Where losing versions go on this computer."),
    "by": Key(_TEXT, "The rule that leaves the path out."),
    "bytes": Key(_NUMBER, "Bytes that were or would be transferred."),
    "bytes_done": Key(_NUMBER, "Bytes of a transfer that were transferred so far."),
    "ca_file": Key(_TEXT, "A PEM file of certificates to trust."),
    "changed": Key(_TIME, "When a setting last changed, by the server's clock."),
    "changes": Key("list", "Pending changes, as `journal` lists them."),
    "check": Key(_TEXT, "What was looked at, or found of it, in one word, for programs."),
    "clash": Key("object", "A file on one side and a folder on the other."),
    "client_cert": Key(_TEXT, "A PEM file with a client certificate and its key."),
    "client_id": Key(_TEXT, "The UUID of this computer's registered client."),
    "compared": Key(_NUMBER, "Files whose contents were compared so far."),
    "computer": Key(_TEXT, "The client's host name."),
    "configuration": Key(_TEXT, "The configuration file."),
    "conflict": Key(_TEXT, "The setting of the same name."),
    "conflicts": Key(_NUMBER, "Conflicts."),
    "copy": Key(_TEXT, "The path of the conflict copy."),
    "count": Key(_NUMBER, "Equal lines that a row stands for."),
    "created": Key(_TIME, "When it was registered."),
    "current": Key("list", "Paths that are in work."),
    "differ": Key("object", "Files of different sizes on both sides."),
    "direction": Key(_TEXT, "The setting of the same name."),
    "direction_in_force": Key(_TEXT, "The direction that the server's rights allow."),
    "disabled_there": Key(_TRUTH, "Whether it was disabled on the account page."),
    "done": Key(_NUMBER, "Actions that were done."),
    "dry_run": Key(_TRUTH, "Whether nothing was done, but planned."),
    "enabled": Key(_TRUTH, "Whether `up` mounts it and `sync --all` includes it."),
    "entries": Key(_NUMBER, "Files and folders that were listed."),
    "entry": Key(_TEXT, "How `bin restore` and `bin empty` name the entry."),
    "error": Key(_TEXT, "Why nothing could be found out or done."),
    "examples": Key("list", "Paths of some of the files."),
    "failed": Key(_NUMBER, "Actions that failed; see `problems`."),
    "failures": Key(_NUMBER, "How often in a row the daemon ended or did not start."),
    "fetched": Key(_NUMBER, "Contents that were downloaded."),
    "file": Key(_TEXT, "The file that was written."),
    "files": Key(_NUMBER, "Files."),
    "files_done": Key(_NUMBER, "Contents that were transferred."),
    "filters": Key("list", "Filters, as Sync-in stores them."),
    "folder": Key(_TRUTH, "Whether it is a folder."),
    "folders": Key(_NUMBER, "Folders."),
    "former_name": Key(_TEXT, "The name before a rename that is not completed."),
    "found": Key("list", "What is wrong, or was before the repair."),
    "from": Key(_TEXT, "The part of the program that logged it."),
    "fusermount": Key(_TEXT, "The version of fusermount3; null: it is missing."),
    "halt": Key(_TEXT, "Which guard stopped the run: `mass deletion`, `unregistered`, …"),
    "halted": Key(_TEXT, "The guard's sentence."),
    "held": Key(_TRUTH, "Whether the user holds the change."),
    "held_count": Key(_NUMBER, "Files and folders with held changes."),
    "id": Key(_TEXT, "The client's UUID."),
    "insecure_http": Key(_TRUTH, "The setting of the same name."),
    "insecure_tls": Key(_TRUTH, "The setting of the same name."),
    "installed": Key(_TEXT, "What it is from: `debian`, `archive`, `wheel` or `repository`."),
    "kept": Key(_TEXT, "Where a losing version is: `local`, `trash`, `server`, `copy`, …"),
    "kind": Key(_TEXT, "The kind of a filter rule, a node, a comparison or a row of it."),
    "known": Key(_NUMBER, "Files and folders that both sides have."),
    "language": Key(_TEXT, "The language that is set; null for the environment's."),
    "last_log_in": Key(_TIME, "When the client was last active."),
    "last_run": Key(_TIME, "When the last run ended."),
    "lasting": Key(_TRUTH, "Whether it stays until somebody acts."),
    "left": Key(_TEXT, "A line of the version that has the name."),
    "left_number": Key(_NUMBER, "The number of the line `left`, from 1 on."),
    "left_out": Key(_TRUTH, "Whether a filter or its name leaves the path out."),
    "level": Key(_TEXT, "`debug`, `info`, `warning`, `error` or `critical`."),
    "limit_down": Key(_NUMBER, "The most bytes a second from the server; null: no limit."),
    "limit_up": Key(_NUMBER, "The most bytes a second to the server; null: no limit."),
    "local_path": Key(_TEXT, "The client's local folder."),
    "local_state": Key("object", "What is on this computer."),
    "log": Key(_TEXT, "The log file."),
    "log_in_refused": Key(_TRUTH, "Whether the server refused the token the last time."),
    "log_level": Key(_TEXT, "The least urgent records that the logs keep."),
    "logged_in": Key(_TRUTH, "Whether a token is here that the server did not refuse."),
    "login": Key(_TEXT, "The user's login."),
    "looked_at": Key(_NUMBER, "Files and folders that were looked at."),
    "lost": Key(_TEXT, "What lost: `local`, `remote`, `copy`, `deletion` or `place`."),
    "manual": Key(_TRUTH, "Whether only `sync` starts runs."),
    "mode": Key(_TEXT, "The setting of the same name."),
    "more": Key(_NUMBER, "Rows that are not listed."),
    "mounted": Key(_TRUTH, "Whether the drive is mounted."),
    "mountpoint": Key(_TEXT, "The local folder at which the drive appears."),
    "msg": Key(_TEXT, "The logged message."),
    "mtime": Key(_TIME, "The modification time."),
    "name": Key(_TEXT, "The name of a synchronization, server, remote file or part."),
    "named": Key("object", "The version that has the name."),
    "named_picture": Key(_TEXT, "The media type, where that version is a picture."),
    "names": Key(_TRUTH, "Whether the report holds names."),
    "new_path": Key(_TEXT, "The path after a move."),
    "newer": Key(_TRUTH, "Whether `newest` is newer than `version`."),
    "newest": Key(_TEXT, "The newest version that `source` knows of."),
    "next_run": Key(_TIME, "When the next scheduled run starts."),
    "next_try": Key(_TIME, "When it is tried again."),
    "nodes": Key("list", "What is at the path on either side."),
    "notifications": Key(_TRUTH, "Whether the desktop shows notices."),
    "number": Key(_NUMBER, "The number by which commands know an entry of a list."),
    "offline_since": Key(_TIME, "Since when the server cannot be reached."),
    "on_page": Key(_TEXT, "What the page says in the place of `why`."),
    "on_server": Key(_TEXT, "How the server's settings compare."),
    "online": Key(_TRUTH, "Whether the server answers; null: not asked yet."),
    "only_local": Key("object", "Files that are on this computer alone."),
    "only_remote": Key("object", "Files that are on the server alone."),
    "op": Key(_TEXT, "The operation: `make`, `send`, `fetch`, `move`, `touch`, `delete`, …"),
    "os": Key(_TEXT, "The client's operating system."),
    "other": Key("object", "The version that has not the name."),
    "other_picture": Key(_TEXT, "The media type, where that version is a picture."),
    "parts": Key("list", "What the report holds."),
    "path": Key(_TEXT, "A path in the synchronized folder; of `remote ls`, on the server."),
    "path_id": Key(_NUMBER, "The number of the registration on the server."),
    "pattern": Key(_TEXT, "A filter, as Sync-in stores it."),
    "paused": Key(_TRUTH, "Whether `pause` is in force."),
    "paused_until": Key(_TIME, "When the pause ends by itself; null: only `resume` ends it."),
    "permissions": Key(_TEXT, "The rights that the server grants."),
    "phase": Key(_TEXT, "The phase of a drive, of work or of a transfer, in one word."),
    "pid": Key(_NUMBER, "The daemon's process."),
    "place": Key(_TEXT, "The folder of the program."),
    "plan": Key(_TEXT, "The plan's identifier, for `sync --yes`."),
    "problems": Key("list", "What failed or is pending."),
    "program": Key(_TEXT, "The client's program."),
    "proxy": Key(_TEXT, "The setting of the same name, without a password."),
    "pyfuse": Key(_TEXT, "The version of pyfuse3; null: it is missing."),
    "python": Key(_TEXT, "The version of Python."),
    "read": Key(_NUMBER, "Bytes that were read to compare contents."),
    "read_only": Key(_TRUTH, "Whether the drive refuses changes."),
    "refused": Key(_TEXT, "What the server refused."),
    "remedy": Key(_TEXT, "What helps, in one word, for programs; else null."),
    "remote": Key(_TEXT, "The remote folder."),
    "remote_known": Key(_TRUTH, "Whether the server told its state."),
    "remote_state": Key("object", "What is on the server."),
    "replica": Key(_TEXT, "The folder of the local copy."),
    "replica_format": Key(_NUMBER, "The format of local copies; all before it are read."),
    "resolved": Key("object", "The conflict, as `conflicts` lists it."),
    "restriction": Key(_TEXT, "Why the direction in force is another one."),
    "result": Key(_TEXT, "How it ended: `done`, `failed`, …"),
    "right": Key(_TEXT, "A line of the version that has not the name."),
    "right_number": Key(_NUMBER, "The number of the line `right`, from 1 on."),
    "rows": Key("list", "The lines of both versions side by side."),
    "run": Key(_NUMBER, "The run's number."),
    "running": Key(_TEXT, "What goes on now."),
    "same": Key("object", "Files of the same size and time on both sides."),
    "schedule": Key(_TEXT, "How often a run starts: `15m`, `2h`, `1d`, `off`."),
    "scheduler": Key(_TEXT, "How the schedules of all drives work together."),
    "schedules": Key("list", "The schedule of each synchronization."),
    "seconds": Key(_NUMBER, "How long it took."),
    "seconds_left": Key(_NUMBER, "How long the rest of a transfer takes at its speed."),
    "server": Key(_TEXT, "The server's name in the configuration."),
    "side": Key(_TEXT, "`local` or `remote`; empty: one cannot tell."),
    "size": Key(_NUMBER, "Bytes of a content, or of several."),
    "source": Key(_TEXT, "Who tells of versions: an address, or `apt`."),
    "speed": Key(_NUMBER, "Bytes a second, lately."),
    "state": Key(_TEXT, "The state in one word, for programs."),
    "status": Key(_NUMBER, "The exit status that belongs to `error`."),
    "stays_local": Key("object", "Files that are never uploaded."),
    "supervised": Key("object", "How the supervisor sees the drive."),
    "synchronizable": Key(_TRUTH, "Whether the folder can be synchronized."),
    "synchronizations": Key("list", "Names of the server's synchronizations, or the client's."),
    "text": Key(_TEXT, "The text of a filter rule."),
    "this_computer": Key(_TRUTH, "Whether the client is this computer's."),
    "time": Key(_TIME, "When it happened."),
    "tls_verified": Key(_TRUTH, "Whether the connection is encrypted and verified."),
    "to_compare": Key(_NUMBER, "Files whose contents are compared."),
    "to_fetch": Key(_NUMBER, "Contents that are still to be downloaded."),
    "token_expiration": Key(_TIME, "When the client's access ends."),
    "transfers": Key("list", "Transfers under way."),
    "trash": Key(_TEXT, "The setting of the same name."),
    "tray": Key(_TRUTH, "Whether there is an icon in the desktop's tray."),
    "turned": Key(_TEXT, "What was chosen since: `swap`, `both`, or nothing."),
    "unrepaired": Key("list", "What is still wrong after the repair."),
    "until": Key(_TIME, "Until when a pending change is left alone."),
    "url": Key(_TEXT, "The server's address."),
    "user": Key(_TEXT, "The user on the client's computer."),
    "verdict": Key(_TEXT, "`fine`, `note` or `wrong`."),
    "version": Key(_TEXT, "The version of the program here, or of a client's."),
    "versions": Key("object", "The conflict and its two versions."),
    "waiting": Key(_NUMBER, "Changes that are pending."),
    "waits_for_turn": Key(_TRUTH, "Whether a due run waits for another drive's."),
    "what": Key(_TEXT, "What was checked or written, in words."),
    "where": Key(_TEXT, "`local`, `trash` (the desktop's), `server`; of a version also `here`, …"),
    "whole": Key(_TRUTH, "Whether all of the drive was looked at."),
    "why": Key(_TEXT, "The reason, in words."),
    "why_failed": Key(_TEXT, "Why the last run failed."),
    "why_not": Key(_TEXT, "Why the folder cannot be synchronized, or a version not be read."),
    "why_offline": Key(_TEXT, "Why the server cannot be reached."),
    "work": Key("object", "How far the work is as a whole; null: there is none."),
}
"""Every key that a document has, in alphabetical order. ``logs`` adds the fields of a record."""
