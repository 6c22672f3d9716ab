"""Who is asking: passwords, second factors, lockout, client registration, tokens."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import trio

from .model import Application
from .store import Account, AppPassword, Client, Store
from .tokens import (
    ACCESS_LIFE,
    CLIENT_TOKEN_LIFE,
    CLIENT_TOKEN_RENEWAL,
    REFRESH_LIFE,
    Identity,
    TokenKind,
    hash_password,
    issue,
    password_matches,
    totp_matches,
    verify,
)
from .validate import check_client_auth, check_register, check_register_auth
from .wire import Answer, Refusal, Request, Unauthorized, empty, json_answer, not_allowed

MAX_ATTEMPTS = 10

_NOBODY = hash_password(secrets.token_hex(16))
"""What the password of an account that is not there is compared with."""


def iso_time(seconds: float | None) -> str | None:
    """As the server writes times: UTC with milliseconds."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def sql_time(seconds: int) -> str:
    """As the database prints a time, where the server hands it on as it is."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


class Accounts:
    """Passwords, registered clients and their tokens."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    # bearer tokens

    def bearer(self, request: Request, kind: TokenKind = TokenKind.ACCESS) -> tuple[Identity, int]:
        """The identity behind the Authorization header and its expiry; raises Unauthorized."""
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        found = (
            verify(self._store.state.signing_key, kind, token, self._clock())
            if scheme == "Bearer"
            else None
        )
        if found is None:
            raise Unauthorized
        return found

    def identify(self, request: Request) -> Identity:
        return self.bearer(request)[0]

    def _identity(self, account: Account, client_id: str | None) -> Identity:
        return Identity(
            account.id,
            account.login,
            account.email,
            account.full_name,
            frozenset(account.applications),
            client_id,
        )

    def _token_pair(self, identity: Identity, refresh_until: int | None = None) -> dict[str, Any]:
        now = int(self._clock())
        key = self._store.state.signing_key
        access_until = now + ACCESS_LIFE
        refresh_until = refresh_until or now + REFRESH_LIFE
        return {
            "access": issue(key, TokenKind.ACCESS, identity, now, access_until),
            "refresh": issue(key, TokenKind.REFRESH, identity, now, refresh_until),
            "access_expiration": access_until,
            "refresh_expiration": refresh_until,
        }

    # passwords

    async def _login(self, login: str, password: str, *, scope: str | None = None) -> Account:
        """Checks a password, counting failures. `scope` lets an app password of that scope pass
        too."""
        account = self._store.account_named(login)
        accounts = self._store.state.accounts
        # Whoever has no account, and whatever passwords an account has, it takes as many hashes and
        # one save.
        digests = self._digests(account, scope)
        most = max((len(self._digests(each, scope)) for each in accounts), default=1)
        digests += [_NOBODY] * (most - len(digests))
        matches = [
            await trio.to_thread.run_sync(password_matches, password, digest) for digest in digests
        ]
        if account is not None and (not account.active or account.attempts >= MAX_ATTEMPTS):
            self._store.save()
            raise Refusal(403, "Account locked")
        if account is not None and any(matches):
            return account
        if account is None:
            self._store.save()
        else:
            self._count_failure(account)
        raise Refusal(401, "Wrong login or password")

    @staticmethod
    def _digests(account: Account | None, scope: str | None) -> list[str]:
        if account is None:
            return []
        return [
            account.password_hash,
            *(each.password_hash for each in account.app_passwords if each.app == scope),
        ]

    def _count_failure(self, account: Account) -> None:
        account.attempts += 1
        self._store.save()
        if account.attempts >= MAX_ATTEMPTS:
            raise Refusal(403, "Account locked")

    def _second_factor(
        self, account: Account, code: str | None, *, missing_status: int = 401
    ) -> None:
        if account.totp_secret is None:
            return
        if not code:
            raise Refusal(missing_status, "Missing TWO-FA code")
        if len(code) == 6 and code.isdecimal():
            if totp_matches(account.totp_secret, code, self._clock()):
                return
            self._count_failure(account)
            raise Refusal(401, "Incorrect code or password")
        if code not in account.recovery_codes:
            self._count_failure(account)
            raise Refusal(401, "Invalid passcode")
        account.recovery_codes.remove(code)
        account.used_codes.append(code)
        self._store.save()

    def _passed(self, account: Account) -> None:
        if account.attempts:
            account.attempts = 0
            self._store.save()

    # registration

    async def register(self, request: Request) -> Answer:
        body = await request.object()
        check_register(body)
        account = await self._login(body["login"], body["password"], scope="client")
        self._second_factor(account, body.get("code"))
        self._passed(account)
        if Application.DESKTOP_ACCESS not in account.applications:
            raise Refusal(403, "Desktop app permission required")
        return self._registered(account, body["clientId"], body["info"], request.client_ip)

    async def register_with_token(self, request: Request) -> Answer:
        who = self.identify(request)
        body = await request.object()
        check_register_auth(body)
        account = self._store.account(who.id)
        if account is None or Application.DESKTOP_ACCESS not in who.applications:
            raise Refusal(403, "Desktop app permission required")
        return self._registered(
            account, body.get("clientId") or str(uuid.uuid4()), body["info"], request.client_ip
        )

    def _registered(
        self, account: Account, client_id: str, info: dict[str, str], ip: str
    ) -> Answer:
        """A known client keeps its token while that is valid, and its paths always."""
        now = int(self._clock())
        client = self._store.client(client_id)
        if client is None:
            client = Client(
                client_id, account.id, str(uuid.uuid4()), now + CLIENT_TOKEN_LIFE, info, now
            )
            client.current_access, client.current_ip = now, ip
            self._store.state.clients.append(client)
        elif client.user_id != account.id:
            raise Refusal(500, "Error during the client registration")
        elif client.token_expiration <= now:
            client.token, client.token_expiration = str(uuid.uuid4()), now + CLIENT_TOKEN_LIFE
        client.info = info
        self._store.save()
        return json_answer({"clientId": client.id, "clientToken": client.token}, 201)

    async def unregister(self, request: Request) -> Answer:
        who = self.identify(request)
        client = self._store.client(who.client_id) if who.client_id else None
        if client is None:
            raise Refusal(500, "Error during the removing of client registration")
        self._store.remove_client(client)
        return empty(201)

    # tokens

    async def client_token(self, request: Request) -> Answer:
        """`POST auth/token`: a client token against an access and a refresh token."""
        body = await request.object()
        check_client_auth(body)
        now = int(self._clock())
        client = self._store.client(body["clientId"])
        if client is None or not secrets.compare_digest(client.token, body["token"]):
            raise Refusal(403, "Client is unknown")
        if not client.enabled:
            raise Refusal(403, "Client is disabled")
        if client.token_expiration <= now:
            raise Refusal(403, "Client token is expired")
        account = self._store.account(client.user_id)
        if (
            account is None
            or not account.active
            or Application.DESKTOP_ACCESS not in account.applications
        ):
            raise Refusal(403, "Account suspended or not authorized")
        client.last_access, client.last_ip = client.current_access, client.current_ip
        client.current_access, client.current_ip = now, request.client_ip
        client.info = body["info"]
        answer = self._token_pair(self._identity(account, client.id))
        if client.token_expiration - now < CLIENT_TOKEN_RENEWAL:
            client.token, client.token_expiration = str(uuid.uuid4()), now + CLIENT_TOKEN_LIFE
            answer["client_token_update"] = client.token
        self._store.save()
        return json_answer(answer, 201)

    async def refresh(self, request: Request) -> Answer:
        """A new pair whose refresh token ends when the old one would: a session cannot be
        extended."""
        who, until = self.bearer(request, TokenKind.REFRESH)
        if request.content_type == "application/json":
            await request.json()
        account = self._store.account(who.id)
        if account is None or not account.active:
            raise Unauthorized
        fresh = replace(who, applications=frozenset(account.applications))
        return json_answer(self._token_pair(fresh, until), 201)

    async def web_token(self, request: Request) -> Answer:
        """`POST /api/auth/token`: a password against a token pair without a client."""
        body = await request.object()
        try:
            account = await self._login(str(body.get("login", "")), str(body.get("password", "")))
        except Refusal as refusal:
            refusal.named = {401: "Unauthorized", 403: "Forbidden"}.get(refusal.status)
            raise
        self._second_factor(account, request.header("sync-in-two-fa-code"), missing_status=403)
        self._passed(account)
        return json_answer(self._token_pair(self._identity(account, None)), 201)

    # the clients of a user

    def list_clients(self, who: Identity) -> Answer:
        value = []
        for client in self._store.state.clients:
            if client.user_id != who.id:
                continue
            paths = self._store.paths_of(client.id)
            value.append(
                {
                    "id": client.id,
                    "tokenExpiration": client.token_expiration,
                    "info": client.info,
                    "enabled": client.enabled,
                    "currentAccess": iso_time(client.current_access),
                    "currentIp": client.current_ip,
                    "lastAccess": iso_time(client.last_access),
                    "lastIp": client.last_ip,
                    "createdAt": iso_time(client.created),
                    "isCurrentClient": client.id == who.client_id,
                    "paths": [
                        {
                            "id": path.id,
                            "settings": path.settings,
                            "createdAt": sql_time(path.created),
                        }
                        for path in paths
                    ],
                }
            )
        return json_answer(value)

    def delete_client(self, who: Identity, client_id: str) -> Answer:
        client = self._store.client(client_id)
        if client is None or client.user_id != who.id:
            raise Refusal(500, "Unable to delete client")
        self._store.remove_client(client)
        return empty()

    # the account page

    def list_app_passwords(self, who: Identity) -> Answer:
        account = self._store.account(who.id)
        return json_answer(
            [{"name": entry.name, "app": entry.app} for entry in account.app_passwords]
            if account
            else []
        )

    async def add_app_password(self, who: Identity, request: Request) -> Answer:
        """Needs the second factor, or the password again where there is none; shows the new
        password once."""
        account = self._store.account(who.id)
        if account is None:
            raise Unauthorized
        body = await request.object()
        if account.totp_secret is not None:
            self._second_factor(account, request.header("sync-in-two-fa-code"), missing_status=403)
        elif (again := request.header("sync-in-two-fa-password")) is None:
            raise Refusal(403, "Missing TWO-FA password")
        else:
            await self._login(account.login, again)
        if body.get("app") not in ("client", "webdav") or not isinstance(body.get("name"), str):
            raise not_allowed()
        password = secrets.token_urlsafe(24)
        account.app_passwords.append(
            AppPassword(body["name"], body["app"], hash_password(password))
        )
        self._store.save()
        value = {
            "name": body["name"],
            "app": body["app"],
            "password": password,
            "createdAt": iso_time(self._clock()),
            "currentIp": None,
            "currentAccess": None,
            "lastIp": None,
            "lastAccess": None,
        }
        return json_answer(value, 201)
