"""Sentences about servers: what helps against their refusals."""

from __future__ import annotations

from typing import assert_never

from reconciler.errors import Reason, RemoteError
from syncin_mount.app.messages import command, says, sentence
from syncin_mount.remote.refusals.remedies import Help, Remedy


@says(Reason)
def _reason(reason: Reason, drive: str) -> str:
    text = str.__str__(reason)
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
    log_in = f"log in again with `{command('server', 'auth', account)}`"
    edit = command("server", "edit", account)
    match remedy.help:
        case Help.LOG_IN:
            return f"; {log_in}"
        case Help.OR_LOG_IN:
            return f", or {log_in}"
        case Help.GIVE_CODE:
            return "; give it with --code"
        case Help.NEW_ADDRESS:
            return f"; if it has moved, give its new address with `{edit} --url URL`"
        case Help.ACCEPT_CERTIFICATE:
            return "; if you know this server, accept it with --insecure-tls"
        case Help.ACCEPT_CLEAR:
            words = ("edit", remedy.account) if remedy.account else ("add",)
            where = command("server", *words, "--help")
            return f", or accept that with --insecure-http ({where})"
        case Help.OTHER_PROXY:
            return f"; set another: {edit} --proxy URL (or none: --proxy none)"
        case Help.OTHER_FILE:
            return f"; set another with '{edit}'"
        case Help.LOGIN_APART:
            return ": give the login with --login"
    assert_never(remedy.help)
