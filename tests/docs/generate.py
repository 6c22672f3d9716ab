"""The parts of docs/ that are made from the code. A page marks each with its name, and keeps what
stands around it:

<!-- generated: commands -->
…
<!-- end -->
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from reconciler.filters import DEFAULT_NAMES
from syncin_mount.cli.command_group import COMMANDS
from syncin_mount.cli.exit_status import Exit
from syncin_mount.cli.man_page import STATUS, commands
from syncin_mount.cli.ui.json_form import KEYS
from syncin_mount.config import model, schema, values
from syncin_mount.control import (
    announcements,
    conflict_messages,
    messages,
    state_messages,
    supervision,
    tree_messages,
)
from tests.docs import doctor
from tests.docs.outputs import described, outputs
from tests.docs.wrapping import wrapped

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_MARK = re.compile(r"(?<=<!-- generated: )([a-z-]+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Every page with a generated part."""
    return [
        page
        for page in sorted(DOCS.rglob("*.md"))
        if _MARK.search(page.read_text(encoding="utf-8"))
    ]


def with_generated(text: str) -> str:
    """The page with each generated part made anew."""
    return _MARK.sub(lambda mark: f"{mark[1]}{mark[2]}\n{PARTS[mark[1]]().strip()}\n\n", text)


def paragraphs(text: str) -> str:
    """A docstring as Markdown. Paragraphs after click's mark ``\\b`` are shown as they are."""
    made = []
    for part in re.split(r"\n[ \t]*\n", inspect.cleandoc(text)):
        if part.lstrip().startswith("\b"):
            made.append(
                f"```text\n{textwrap.dedent(part.lstrip().removeprefix(chr(8)).strip(chr(10)))}\n```"
            )
        else:
            made.append(wrapped(part.replace("``", "`")))
    return "\n\n".join(made)


# --- commands -------------------------------------------------------------------------------------


def command_list() -> str:
    """Every command with its one line of help."""
    return "\n".join(
        wrapped(f"[`{name}`](#{name}): {lazy.help}", "- ", "  ") for name, lazy in COMMANDS.items()
    )


def command_pages() -> str:
    """Every command with its usage, its help and its options."""
    return "\n\n".join(_command(path, command) for path, command in commands())


def _command(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join(("syncin-mount", *path, *command.collect_usage_pieces(context)))
    words = [word for word in path if not word.isupper()]
    parts = [f"{'##' if len(words) == 1 else '###'} {' '.join(words)}", f"```text\n{usage}\n```"]
    parts.append(paragraphs(command.help or ""))
    records = (
        param.get_help_record(context)
        for param in command.get_params(context)
        if "--help" not in param.opts
    )
    options = [
        _option(*record) for record in records if record is not None and record[0].startswith("-")
    ]
    return "\n\n".join([*parts, *(["\n".join(options)] if options else [])])


def _option(names: str, text: str) -> str:
    return wrapped(f"`{names}`: {text}" if text else f"`{names}`", "- ", "  ")


# --- exit statuses --------------------------------------------------------------------------------


def statuses() -> str:
    """What each exit status means, for any command."""
    return "\n".join(wrapped(f"**{int(status)}**: {STATUS[status]}", "- ", "  ") for status in Exit)


# --- configuration --------------------------------------------------------------------------------

_PROBES = (object(), "?")
"""Values that no key takes, or that a key takes as any text."""


def _keys(
    keys: tuple[schema.Key, ...], holder: type, names: dict[str, str] | None = None
) -> Callable[[], str]:
    """One entry a key: what it may be, its default, what it does."""

    def made() -> str:
        defaults = {field.name: field.default for field in dataclasses.fields(holder)}
        return "\n".join(_key(key, defaults[(names or {}).get(key.name, key.name)]) for key in keys)

    return made


def _key(key: schema.Key, default: object) -> str:
    usual = "required" if key.required else f"default {_toml(key, default)}"
    return wrapped(
        f"**`{key.name}`** ({usual}): {key.about} *Value:* {_expected(key)}.", "- ", "  "
    )


def _toml(key: schema.Key, default: object) -> str:
    if default is None:
        return "none"
    written = key.write(default)
    if isinstance(written, bool):
        return f"`{str(written).lower()}`"
    return f"`{msgspec.json.encode(written).decode()}`"


def _expected(key: schema.Key) -> str:
    """What the key itself says that it expects: the most exact of its refusals."""
    said = "anything"
    for probe in _PROBES:
        try:
            key.read(probe)
        except values.ExpectedError as error:
            said = str(error)
    return said


def default_filters() -> str:
    """The names that are left out everywhere."""
    return wrapped(", ".join(f"`{name}`" for name in sorted(DEFAULT_NAMES)) + ".")


# --- JSON -----------------------------------------------------------------------------------------


def json_outputs() -> str:
    """What each command prints with ``--json``."""
    parts = []
    for command, document in outputs().items():
        words = command.split()
        title = " ".join(
            word for word in words[1:-1] if word not in {"docs", "personal", "a.txt", "a.bak", "…"}
        )
        parts.append(
            f"### {_title(title)}\n\n```sh\n{command}\n```\n\n" + "\n".join(described(document))
        )
    return "\n\n".join(parts)


def _title(words: str) -> str:
    """Of a command: without options, but for one that has another document."""
    bare = words.partition(" --")[0].replace("~/Sync-in/a.txt", "PATH")
    other = next((each for each in ("--repair", "--compare") if f" {each}" in words), None)
    return bare if other is None else f"{bare} {other}"


def json_keys() -> str:
    """Every key of the documents."""
    return "\n".join(
        wrapped(f"**`{name}`** ({key.type}): {key.about}", "- ", "  ") for name, key in KEYS.items()
    )


# --- control API ----------------------------------------------------------------------------------


def _messages(*modules: types.ModuleType) -> Callable[[], str]:
    """Every message of these modules, in their order: what it is, and its fields."""

    def made() -> str:
        found = [
            each
            for module in modules
            for each in vars(module).values()
            if inspect.isclass(each) and each.__module__ == module.__name__
        ]
        return "\n\n".join(
            _message(each) if issubclass(each, msgspec.Struct) else _words(each)
            for each in found
            if issubclass(each, msgspec.Struct)
            or (issubclass(each, enum.Enum) and each is not messages.Call)
        )

    return made


def _message(kind: type[msgspec.Struct]) -> str:
    hints = typing.get_type_hints(kind)
    parts = [f"### {kind.__name__}", re.sub(r"\bNone\b", "null", paragraphs(kind.__doc__ or ""))]
    fields = [_field(field, hints[field.name]) for field in msgspec.structs.fields(kind)]
    config = kind.__struct_config__
    if config.tag is not None:
        fields.insert(0, f'- `{config.tag_field}`: always `"{config.tag}"`')
    return "\n\n".join([*parts, "\n".join(fields)])


def _words(kind: type[enum.Enum]) -> str:
    values = ", ".join(f'`"{each.value}"`' for each in kind)
    about = paragraphs(kind.__doc__ or "")
    return f"### {kind.__name__}\n\n{about}\n\n{wrapped('One of ' + values + '.')}"


def _field(field: msgspec.structs.FieldInfo, hint: object) -> str:
    usual = ""
    if not field.required:
        default = field.default if field.default is not msgspec.NODEFAULT else ()
        usual = f", default `{msgspec.json.encode(default).decode()}`"
    return wrapped(f"`{field.name}`: {_type(hint)}{usual}", "- ", "  ")


def _type(hint: object) -> str:
    """A Python type in JSON's words."""
    plain = {
        str: "text",
        int: "integer",
        float: "number",
        bool: "true or false",
        type(None): "null",
        bytes: "text (Base64)",
    }
    arguments = typing.get_args(hint)
    if isinstance(hint, type) and hint in plain:
        return plain[hint]
    if typing.get_origin(hint) is tuple:
        return f"list of {_type(arguments[0])}"
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(f'`"{each}"`' for each in arguments)
    if arguments:
        return " or ".join(_type(each) for each in arguments)
    assert isinstance(hint, type)
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


PARTS: dict[str, Callable[[], str]] = {
    "command-list": command_list,
    "commands": command_pages,
    "exit-statuses": statuses,
    "config-servers": _keys(schema.SERVER_KEYS, model.Server),
    "config-synchronizations": _keys(schema.SYNCHRONIZATION_KEYS, model.Synchronization),
    "config-program": _keys(schema.PROGRAM_KEYS, model.Configuration, {"scheduler": "scheduling"}),
    "config-history": _keys(schema.HISTORY_KEYS, model.HistorySettings),
    "config-hooks": _keys(schema.HOOK_KEYS, model.HookSettings),
    "default-filters": default_filters,
    "json-keys": json_keys,
    "json-outputs": json_outputs,
    "messages": _messages(messages, conflict_messages),
    "tree-messages": _messages(tree_messages),
    "announcements": _messages(announcements),
    "state-messages": _messages(state_messages),
    "supervisor-messages": _messages(supervision),
    "doctor": doctor.page,
}


def stale() -> Iterator[Path]:
    """The pages whose generated parts are not what the code says now."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if with_generated(text) != text:
            yield page
