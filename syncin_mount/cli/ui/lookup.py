"""What the commands ask of the configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from syncin_mount import advice
from syncin_mount.app.messages import sentence
from syncin_mount.cli.exit_status import CommandError, Exit
from syncin_mount.cli.ui import output
from syncin_mount.config import ConfigurationFile, Folders
from syncin_mount.language import mark, t
from syncin_mount.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncin_mount.config import Configuration, Server, Synchronization


ADD_SERVER = advice.command("server", "add", "NAME", "URL", "--login", "LOGIN")
ADD = advice.command("add")
"""What to do where nothing is configured yet."""


def load() -> tuple[Folders, Configuration]:
    """The program's folders and what is configured now; an interrupted rename is completed. Raises
    ConfigurationError, ReplicaInUse."""
    folders = Folders.find()
    folders.keep_others_out()
    configuration = ConfigurationFile(folders).read()
    if any(each.former_name is not None for each in configuration.synchronizations.values()):
        from syncin_mount.app.synchronizations.rename_drive import finish_renames  # noqa: PLC0415 (start-up time)

        configuration = finish_renames(folders, configuration)
    return folders, configuration


def server_named(configuration: Configuration, name: str) -> Server:
    """Raises CommandError with the names there are."""
    found = configuration.servers.get(name)
    if found is None:
        raise CommandError(
            _unknown(_SERVER, name, configuration.servers, ADD_SERVER),
            Exit.USAGE,
        )
    return found


def server_chosen(configuration: Configuration, name: str | None, option: str) -> Server:
    """The server of this name, or the only one there is. ``option`` is what chooses one of several,
    as it is typed. Raises CommandError, UsageError."""
    if name is not None:
        return server_named(configuration, name)
    if len(configuration.servers) == 1:
        return next(iter(configuration.servers.values()))
    if configuration.servers:
        names = ", ".join(sorted(configuration.servers))
        raise click.UsageError(
            t(
                "there are several servers; choose one with {option}: {names}",
                option=option,
                names=names,
            )
        )
    raise CommandError(t("no servers yet; add one: {command}", command=ADD_SERVER))


def warn_insecure(server: Server) -> None:
    """Says what is not safe about the way to the server, if anything."""
    if server.insecurity is not None:
        output.warn(server.insecurity)


def warn_untrusting(servers: Iterable[Server]) -> None:
    """Says so where the certificates that the environment names, or that are set for one of these
    servers, cannot be used: a drive is mounted all the same, and its runs are refused until that is
    put right."""
    named = any(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    told: set[str] = set()
    for each in servers:
        if not each.url.startswith("https:") or not (named or each.ca_file or each.client_cert):
            continue
        from reconciler.errors import RemoteError  # noqa: PLC0415 (start-up time)
        from syncin_mount.app.accounts.sessions import way_to  # noqa: PLC0415
        from syncin_mount.remote.http.connection_pool import tls  # noqa: PLC0415

        try:
            tls(way_to(each))
        except RemoteError as error:
            if sentence(error) not in told:
                output.warn(sentence(error))
            told.add(sentence(error))


def synchronization_named(configuration: Configuration, name: str) -> Synchronization:
    """Raises CommandError with the names there are."""
    found = configuration.synchronizations.get(name)
    if found is None:
        raise CommandError(
            _unknown(_SYNCHRONIZATION, name, configuration.synchronizations, ADD), Exit.USAGE
        )
    return found


def all_named(names: tuple[str, ...]) -> tuple[Folders, tuple[str, ...]]:
    """Each name once, all of them of synchronizations, before anything is changed. Raises
    CommandError."""
    folders, configuration = load()
    for name in names:
        synchronization_named(configuration, name)
    return folders, tuple(dict.fromkeys(names))


def chosen(configuration: Configuration, names: tuple[str, ...], *, everything: bool) -> list[str]:
    """The names that a command is given, each once, or all there are. Raises UsageError,
    CommandError."""
    if everything and names:
        raise click.UsageError(t("give names or --all, not both"))
    if everything:
        return list(configuration.synchronizations)
    if not names:
        raise click.UsageError(t("say which: NAME, or --all"))
    return [synchronization_named(configuration, name).name for name in dict.fromkeys(names)]


_SERVER = (
    mark("there is no server '{name}'{meant} there are: {names}"),
    mark("there is no server '{name}', none at all yet; add one: {command}"),
)
_SYNCHRONIZATION = (
    mark("there is no synchronization '{name}'{meant} there are: {names}"),
    mark("there is no synchronization '{name}', none at all yet; add one: {command}"),
)


def _unknown(texts: tuple[str, str], name: str, known: Mapping[str, object], hint: str) -> str:
    some, none = texts
    if not known:
        return t(none, name=name, command=hint)
    meant = did_you_mean(name, known) or ";"
    return t(some, name=name, meant=meant, names=", ".join(sorted(known)))
