"""Accounts are added, changed and left by calls; what needs no password is checked before one is
asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import NoConnection, Refused, RemoteError, Unauthorized, Unreachable
from syncin_mount.app.accounts import log_in
from syncin_mount.app.accounts.account_changes import (
    account_to_log_in,
    certificate_of,
    changed_account,
    keep_account,
    new_account,
)
from syncin_mount.app.accounts.accounts import accounts
from syncin_mount.app.accounts.clients import (
    ClientState,
    client_named,
    clients_of,
    clients_of_all,
    remove_client,
)
from syncin_mount.app.accounts.log_in import WayChange
from syncin_mount.app.errors import InvalidRequest, NoSuchClient, NotPossible, WayRefused
from syncin_mount.config import Configuration, ConfigurationFile, Folders, Server
from tests.cli.conftest import PASSWORD, World

NO_CHANGE = WayChange()


def folders_of(world: World) -> Folders:
    return Folders(world.home, world.home / "state", world.home / "run", portable=True)


def configuration(world: World) -> Configuration:
    return ConfigurationFile(folders_of(world)).read()


async def logged_in(world: World) -> Server:
    server = new_account(configuration(world), "home", world.url, "user1", NO_CHANGE)
    await log_in.probe_server(server)
    await log_in.add(folders_of(world), server, PASSWORD, None)
    return server


async def test_an_account_is_added_in_steps(world: World):
    server = await logged_in(world)
    [account] = accounts(folders_of(world), configuration(world))
    assert (account.server, account.logged_in, account.used_by) == (server, True, [])
    assert server.client_id
    with pytest.raises(NotPossible, match="there is a server 'home' already"):
        new_account(configuration(world), "home", world.url, "user2", NO_CHANGE)
    with pytest.raises(NotPossible, match="is there already, as 'home'"):
        new_account(configuration(world), "other", world.url, "user1", NO_CHANGE)


async def test_a_wrong_password_leaves_nothing(world: World):
    server = new_account(configuration(world), "home", world.url, "user1", NO_CHANGE)
    with pytest.raises(Unauthorized):
        await log_in.add(folders_of(world), server, "wrong", None)
    assert accounts(folders_of(world), configuration(world)) == []


async def test_what_is_wrong_with_an_address_is_told_before_a_password(world: World):
    nothing = Configuration()
    with pytest.raises(Refused):
        new_account(nothing, "home", "no address", "user1", NO_CHANGE)
    with pytest.raises(InvalidRequest):
        new_account(nothing, "no/name", world.url, "user1", NO_CHANGE)
    with pytest.raises(WayRefused):
        new_account(nothing, "home", "http://example.org", "user1", NO_CHANGE)
    in_clear = WayChange(insecure_http=True)
    accepted = new_account(nothing, "home", "http://example.org", "user1", in_clear)
    assert accepted.insecure_http
    with pytest.raises(WayRefused):
        account_to_log_in(accepted, WayChange(insecure_http=False))
    assert not changed_account(accepted, WayChange(insecure_http=False)).insecure_http
    missing = WayChange(ca_file=Path("/nowhere.pem"))
    with pytest.raises(WayRefused):
        new_account(nothing, "home", "https://example.org", "user1", missing)
    await world.stop()
    server = new_account(nothing, "home", world.url, "user1", NO_CHANGE)
    with pytest.raises(Unreachable):
        await log_in.probe_server(server)
    assert await certificate_of(server) is None, "in clear none is shown"
    tls = replace(server, url=world.url.replace("http:", "https:"))
    assert await certificate_of(tls) is None, "nobody is there"


async def test_another_way_is_kept(world: World):
    before = await logged_in(world)
    after = changed_account(before, WayChange(proxy="none"))
    done = await keep_account(folders_of(world), configuration(world), before, after)
    assert (done.before, done.after, done.to_remount) == (before, after, ())
    assert configuration(world).servers["home"].proxy == "none"


@pytest.mark.slow
async def test_clients_are_listed_and_logged_out(world: World):
    server = await logged_in(world)
    folders = folders_of(world)
    [this] = await clients_of(folders, server)
    assert this.client.is_current_client
    assert this.state is ClientState.LOGGED_IN
    assert client_named([this], this.client.id[:8].upper(), server) == this
    for text in ("", "zzz"):
        with pytest.raises(NoSuchClient, match="no client's id begins"):
            client_named([this], text, server)
    with pytest.raises(NoSuchClient, match="2 clients' ids begin"):
        client_named([this, this], this.client.id, server)
    away = replace(server, name="away", url="http://127.0.0.1:9")
    found, failed = await clients_of_all(folders, [away, server])
    assert [each.client.id for each in found] == [server.client_id]
    assert [(each.server, type(each.error)) for each in failed] == [(away, NoConnection)]
    await remove_client(folders, this)
    with pytest.raises(RemoteError):
        await clients_of(folders, server)
