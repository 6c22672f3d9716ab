"""Sentences about servers: what helps against their refusals."""

from __future__ import annotations

from typing import assert_never

from reconciler.errors import Reason, RemoteError
from syncin_mount.app.messages import command, remedies, says, sentence
from syncin_mount.language import said, t
from syncin_mount.remote.refusals.remedies import Help, Remedy


@says(Reason)
def _reason(reason: Reason, drive: str) -> str:
    text = said(reason)
    if isinstance(reason.remedy, Remedy):
        return text + advice(reason.remedy)
    if isinstance(reason.remedy, Exception):  # an error that says itself what helps
        return sentence(reason.remedy, drive)
    return text


@says(RemoteError)
def _remote_error(error: RemoteError, drive: str) -> str:
    return _reason(error.__str__(), drive)


def advice(remedy: Remedy) -> str:
    """What to do, as the end of a sentence that says what and why."""
    account = remedy.account or "NAME"
    if remedies.on_page():
        return _on_page(remedy.help)
    log_in = command("server", "auth", account)
    edit = command("server", "edit", account)
    match remedy.help:
        case Help.LOG_IN:
            return t("; log in again with `{command}`", command=log_in)
        case Help.OR_LOG_IN:
            return t(", or log in again with `{command}`", command=log_in)
        case Help.GIVE_CODE:
            return t("; give it with --code")
        case Help.NEW_ADDRESS:
            return t("; if it has moved, give its new address with `{edit} --url URL`", edit=edit)
        case Help.ACCEPT_CERTIFICATE:
            return t("; if you know this server, accept it with --insecure-tls")
        case Help.ACCEPT_CLEAR:
            words = ("edit", remedy.account) if remedy.account else ("add",)
            where = command("server", *words, "--help")
            return t(", or accept that with --insecure-http ({command})", command=where)
        case Help.OTHER_PROXY:
            return t("; set another: {edit} --proxy URL (or none: --proxy none)", edit=edit)
        case Help.OTHER_FILE:
            return t("; set another with '{command}'", command=edit)
        case Help.LOGIN_APART:
            return t(": give the login with --login")
    assert_never(remedy.help)


def _on_page(help_: Help) -> str:
    """The same for the page. Where an account is set up, its fields are beside the sentence."""
    match help_:
        case Help.LOG_IN:
            return t("; log in again")
        case Help.OR_LOG_IN:
            return t(", or log in again")
        case Help.GIVE_CODE:
            return t("; give it")
        case Help.NEW_ADDRESS:
            return t("; if it has moved, give its new address: “Edit…” in “Settings”")
        case Help.ACCEPT_CERTIFICATE:
            return t("; if you know this server, accept it: “Edit…” in “Settings”")
        case Help.ACCEPT_CLEAR:
            return t(", or accept that: “Edit…” in “Settings”")
        case Help.OTHER_PROXY | Help.OTHER_FILE:
            return t("; set another: “Edit…” in “Settings”")
        case Help.LOGIN_APART:
            return t(": give the login in its own field")
    assert_never(help_)
