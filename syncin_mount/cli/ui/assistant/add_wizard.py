"""The assistant of `add`: asks for what was not given, in three steps, and checks each answer at
once."""

from __future__ import annotations

import shutil
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from reconciler.errors import RemoteError, Unreachable
from syncin_mount.app.accounts.remote_folders import is_read_only
from syncin_mount.app.errors import NotPossible
from syncin_mount.app.messages import sentence
from syncin_mount.app.messages.synchronizations import WELCOME
from syncin_mount.app.synchronizations.from_text import schedule_from_text
from syncin_mount.app.synchronizations.importing import look_through
from syncin_mount.app.synchronizations.mountpoint import absolute, check_mountpoint, holds_something
from syncin_mount.app.synchronizations.suggestions import (
    suggested_mountpoint,
    suggested_name,
    suggested_server_name,
)
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import lookup, output
from syncin_mount.cli.ui.assistant.add_options import (
    SETTINGS,
    AddOptions,
    Setting,
    command_line,
)
from syncin_mount.cli.ui.assistant.import_dialog import naming_stuck
from syncin_mount.cli.ui.assistant.remote_browser import Browser
from syncin_mount.config import Server
from syncin_mount.config.filters import FilterError, entered
from syncin_mount.config.rules import mountpoint_objection, name_objection, remote_user
from syncin_mount.language import mark, t

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncin_mount.config import Configuration, Folders

EVERY = mark("off: at each change; 15m, 2h or 1d: once in this time")


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _welcome() -> None:
    """What happens to files, before the first drive."""
    columns = min(80, shutil.get_terminal_size().columns)
    for each in WELCOME:
        for line in textwrap.wrap(t(each), columns):
            output.say(line)
    output.say()


class Assistant:
    """Fills in what a synchronization needs. ``wanted`` has what was given, and in the end
    everything; ``importing`` says that what the folder here holds is to become the drive's."""

    def __init__(
        self,
        folders: Folders,
        configuration: Configuration,
        wanted: AddOptions,
        *,
        importing: bool = False,
    ) -> None:
        self.importing = importing
        self._folders = folders
        self._configuration = configuration
        self._wanted = wanted
        self._browser: Browser | None = None

    def run(self) -> None:
        """Asks. Raises click.Abort when somebody does not want it after all, CommandError,
        RemoteError."""
        try:
            if not self._configuration.synchronizations:
                _welcome()
            server = self._server()
            self._step(1, t("the folder on this computer"))
            self._local()
            self._step(2, t("the folder on {url}", url=server.url))
            read_only = self._remote(server)
            self._step(3, t("the settings"))
            self._settings(read_only=read_only)
            self._confirm(server)
        except click.Abort:
            output.say()
            output.warn(t("nothing was added"))
            for path in self._browser.made if self._browser is not None else ():
                output.warn(
                    t(
                        "the folder {path}, which was made on the server, stays there",
                        path=output.printable(path),
                    )
                )
            raise

    def _step(self, number: int, title: str) -> None:
        output.say()
        output.say(t("Step {number} of 3: {title}", number=number, title=title))

    # the server -----------------------------------------------------------------------------------

    def _server(self) -> Server:
        servers = self._configuration.servers
        if self._wanted.server is None:
            if not servers:
                output.say(t("This computer is not logged in to a server yet."))
                self._wanted.server = self._log_in()
            elif len(servers) == 1:
                self._wanted.server = next(iter(servers))
            else:
                shown = {
                    name: f"{server.url}, as {server.login}" for name, server in servers.items()
                }
                self._wanted.server = _one_of(t("Which server?"), shown, default=None)
        server = lookup.server_named(self._configuration, self._wanted.server)
        lookup.warn_insecure(server)
        return server

    def _log_in(self) -> str:
        """As `server add` does it; the address is tried before a login is asked for."""
        from syncin_mount.cli.commands.server import add  # noqa: PLC0415 (start-up time)

        server = self._reachable(None)
        login = None
        while True:
            login = output.ask(t("Your login or e-mail address there"), default=login).strip()
            host = urlsplit(server.url).hostname or ""
            name = suggested_server_name(host, self._configuration.servers)
            try:
                click.get_current_context().invoke(
                    add,
                    name=name,
                    url=server.url,
                    login=login,
                    password_stdin=False,
                    insecure_tls=server.insecure_tls,
                    insecure_http=server.insecure_http,
                )
            except (CommandError, NotPossible, RemoteError) as error:
                output.warn(sentence(error))
                if isinstance(error, Unreachable):
                    server = self._reachable(server.url)
            else:
                _, self._configuration = lookup.load()
                return name

    def _reachable(self, url: str | None) -> Server:
        """The address of a server that answers, as somebody gives it; with what it takes to reach
        it that somebody agreed to."""
        from syncin_mount.app.accounts.log_in import probe_server, refuse_clear  # noqa: PLC0415
        from syncin_mount.remote import parse_url  # noqa: PLC0415 (start-up time)

        while True:
            url = _address(output.ask(t("The server's address"), default=url).strip(), parse_url)
            server = None if url is None else Server("", url, "", "")
            while server is not None:
                try:
                    refuse_clear(server)
                    output.run_async(probe_server, server)
                except (CommandError, NotPossible, RemoteError) as error:
                    output.warn(sentence(error))
                    server = _agreed(server, error)
                else:
                    return server

    # the folders ----------------------------------------------------------------------------------

    def _local(self) -> None:
        def check(text: str) -> str:
            place = absolute(text)
            refused = mountpoint_objection(self._configuration, place, self._folders)
            if refused:
                raise CommandError(refused)
            check_mountpoint(place, may_hold=True)
            return str(place)

        def check_and_ask(text: str) -> str:
            place = check(text)
            if holds_something(Path(place)) and not self.importing:
                with naming_stuck():
                    look_through(Path(place))
                output.say(
                    t(
                        "It holds files. They can become the drive's; what becomes of each is"
                        " shown before."
                    )
                )
                if not output.confirm(t("Import them?"), default=True):
                    raise CommandError(t("choose an empty folder then, or one that is to be made"))
                self.importing = True
            return place

        given = self._wanted.mountpoint
        if given is not None:
            self._wanted.mountpoint = check_and_ask(given)
            output.say(f"  {self._wanted.mountpoint}")
            return
        output.say(
            t("The drive appears there. It may be new, empty, or hold files to be imported.")
        )

        def is_free(path: Path) -> bool:
            try:
                check(str(path))
            except (CommandError, NotPossible):
                return False
            return not holds_something(path)

        default = suggested_mountpoint(Path.home(), is_free)
        self._wanted.mountpoint = _asked(t("Folder"), check_and_ask, default=str(default))

    def _remote(self, server: Server) -> bool:
        """Whether the folder can only be read."""
        configuration = self._configuration
        self._browser = Browser(
            self._folders, server, lambda path: remote_user(configuration, server, path)
        )
        if self._wanted.remote is not None:
            chosen = self._browser.given(self._wanted.remote)
        else:
            output.say(t("Choose a folder of yours (personal), one in a space, or a share."))
            chosen = self._browser.choose()
        self._wanted.remote = chosen.path
        output.say(f"  {output.printable(chosen.path)}")
        return is_read_only(chosen)

    # the settings ---------------------------------------------------------------------------------

    def _settings(self, *, read_only: bool) -> None:
        wanted = self._wanted
        assert wanted.remote is not None

        def check_new_name(text: str) -> str:
            refused = name_objection(self._configuration, text)
            if refused:
                raise CommandError(refused)
            return text

        if wanted.name is None:
            default = suggested_name(wanted.remote, self._configuration.synchronizations)
            output.say(t("Commands will know it by a name."))
            wanted.name = _asked(t("Name"), check_new_name, default=default)
        else:
            check_new_name(wanted.name)
        if read_only and wanted.direction is None:
            output.say(
                t("The server lets you only read there: the drive follows it (direction download).")
            )
            wanted.direction = "download"
        open_ = [setting for setting in SETTINGS if getattr(wanted, setting.name) is None]
        for setting in open_:
            value, means = next(iter(setting.choices.items()))
            _say_wrapped(f"  {setting.name:<10} {value:<9} ", t(means))
        if wanted.every is None:
            _say_wrapped(f"  {'every':<10} {'off':<9} ", t("synchronize at each change"))
        if not wanted.filters:
            _say_wrapped(
                f"  {'filters':<10} {'none':<9} ", t("nothing is left out but temporary files")
            )
        if output.confirm(
            t("Keep these settings (“edit” and “filter” change them later)?"), default=True
        ):
            return
        for setting in open_:
            setattr(wanted, setting.name, _chosen(setting))
        if wanted.every is None:
            _say_wrapped("", t("How often? {every}", every=t(EVERY)))
            wanted.every = _asked("every", _check_schedule, default="off")
        if not wanted.filters:
            _say_wrapped(
                "",
                t("What is left out? As *.tmp, build/** or path:docs/old; see “filter --help”."),
            )
            wanted.filters = tuple(self._rules())

    def _rules(self) -> list[str]:
        rules: list[str] = []
        while True:
            rule = _asked(t("Rule (Enter: no more)"), _check_rule, default="")
            if not rule:
                return rules
            rules.append(rule)

    def _confirm(self, server: Server) -> None:
        wanted = self._wanted
        output.say()
        output.say(
            t(
                "{mountpoint} will show {name} on {url}.",
                mountpoint=wanted.mountpoint,
                name=output.printable(wanted.remote or ""),
                url=server.url,
            )
        )
        output.say(t("The same without questions:"))
        output.say(
            f"  {output.printable(command_line(wanted))}{' --import' if self.importing else ''}"
        )
        output.confirm(t("Add it?"), default=True, abort=True)


def _address(text: str, parse: Callable[[str], str]) -> str | None:
    """The address, with https:// if it lacks that; None after saying what is wrong with it."""
    try:
        return parse(text if "://" in text else f"https://{text}")
    except (ValueError, RemoteError, CommandError) as error:
        output.warn(sentence(error))
        return None


def _agreed(server: Server, error: Exception) -> Server | None:
    """The server with what somebody agrees to, so that it can be reached after all; else None."""
    from syncin_mount.app.accounts.account_changes import certificate_of  # noqa: PLC0415
    from syncin_mount.app.accounts.log_in import help_against  # noqa: PLC0415 (start-up time)
    from syncin_mount.remote.refusals.remedies import Help  # noqa: PLC0415

    helps = help_against(error)
    if helps is Help.ACCEPT_CERTIFICATE:
        shown = output.run_async(certificate_of, server)
        if shown is not None:
            output.say(t("Its SHA-256 fingerprint is {shown}", shown=shown))
    if helps is Help.ACCEPT_CERTIFICATE and output.confirm(
        t("Accept a certificate that nobody verifies?"), default=False
    ):
        return replace(server, insecure_tls=True)
    if helps is Help.ACCEPT_CLEAR and output.confirm(
        t("Accept that others on the way can read and change everything?"), default=False
    ):
        return replace(server, insecure_http=True)
    return None


def _check_schedule(text: str) -> str:
    schedule_from_text(text)
    return text


def _check_rule(text: str) -> str:
    if text:
        try:
            entered(text)
        except FilterError as error:
            raise CommandError(sentence(error)) from error
    return text


def _asked(question: str, check: Callable[[str], str], *, default: str) -> str:
    """Asks until the answer passes; what does not is told at once."""
    while True:
        text = output.ask(question, default=default, show_default=bool(default)).strip()
        try:
            return check(text)
        except (CommandError, NotPossible) as error:
            output.warn(sentence(error))


def _chosen(setting: Setting) -> str:
    return _one_of(f"{t(setting.title)}:", setting.choices, default=next(iter(setting.choices)))


def _one_of(question: str, choices: dict[str, str], *, default: str | None) -> str:
    """One of the words, or its number."""
    _say_wrapped("", question)
    for number, (word, means) in enumerate(choices.items(), 1):
        _say_wrapped(f"{number:>4}  {word:<9} ", t(means))

    def check(text: str) -> str:
        words = list(choices)
        if text.isascii() and text.isdigit() and 0 < int(text) <= len(words):
            return words[int(text) - 1]
        if text in choices:
            return text
        raise CommandError(
            t("'{text}' is none of these; answer with a number or a word from the list", text=text),
            Exit.USAGE,
        )

    return _asked(t("Choice"), check, default=default or "")


def _say_wrapped(head: str, text: str) -> None:
    """The text beside its head, in as many lines as it takes."""
    width = min(shutil.get_terminal_size().columns, 100)
    output.say_lines(
        textwrap.fill(text, width, initial_indent=head, subsequent_indent=" " * len(head))
    )
