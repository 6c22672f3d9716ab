"""Signed access tokens (JWT, HS256), password hashes (scrypt) and one-time codes (TOTP, RFC
6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ACCESS_LIFE = 30 * 60  # s
REFRESH_LIFE = 4 * 60 * 60  # s
CLIENT_TOKEN_LIFE = 120 * 24 * 60 * 60  # s
#: With less than this left (s), a client token is replaced when it is used.
CLIENT_TOKEN_RENEWAL = 60 * 24 * 60 * 60

_TOTP_STEP = 30  # s
#: Cheap on purpose: a test server hashes at every start. 2**12 rounds still make guessing from the
#: file slow.
_SCRYPT = {"n": 2**12, "r": 8, "p": 1, "dklen": 32}


class TokenKind(StrEnum):
    """An access token opens the API, a refresh token only gives new tokens."""

    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for. Permissions come from here, not from the account: a token outlives
    their removal."""

    id: int
    login: str
    email: str
    full_name: str
    applications: frozenset[str]
    client_id: str | None

    def claims(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "id": self.id,
            "login": self.login,
            "email": self.email,
            "fullName": self.full_name,
            "language": None,
            "role": 1,
            "applications": sorted(self.applications),
        }
        if self.client_id is not None:
            value["clientId"] = self.client_id
        return value


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signature(key: str, signed: str) -> str:
    return _encode(hmac.digest(key.encode(), signed.encode(), "sha256"))


def issue(key: str, kind: TokenKind, identity: Identity, issued: int, expires: int) -> str:
    """A signed token; `issued` and `expires` are seconds since the epoch."""
    header = _encode(b'{"alg":"HS256","typ":"JWT"}')
    claims = {"tokenType": kind.value, "identity": identity.claims(), "iat": issued, "exp": expires}
    signed = f"{header}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_signature(key, signed)}"


def verify(key: str, kind: TokenKind, token: str, now: float) -> tuple[Identity, int] | None:
    """The identity and the expiry (s since the epoch); None when forged, expired or of the other
    kind."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(
        _signature(key, signed).encode(), signature.encode("utf-8", "replace")
    ):
        return None
    try:
        claims = json.loads(_decode(signed.partition(".")[2]))
    except ValueError:
        return None
    if claims["tokenType"] != kind or claims["exp"] <= now:
        return None
    who = claims["identity"]
    identity = Identity(
        who["id"],
        who["login"],
        who["email"],
        who["fullName"],
        frozenset(who["applications"]),
        who.get("clientId"),
    )
    return identity, claims["exp"]


def hash_password(password: str) -> str:
    """`salt$digest`, both in hex."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT).hex()}"


def password_matches(password: str, stored: str) -> bool:
    """Compares in constant time."""
    salt, _, digest = stored.partition("$")
    found = hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=bytes.fromhex(salt), **_SCRYPT
    )
    return hmac.compare_digest(found.hex(), digest)


def totp(secret: str, now: float) -> str:
    """The six digits that an authenticator shows at `now` for a base32 `secret`."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(now // _TOTP_STEP).to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


def totp_matches(secret: str, code: str, now: float) -> bool:
    """Accepts the neighbouring steps too, because clocks differ."""
    return any(
        hmac.compare_digest(totp(secret, now + shift), code)
        for shift in (-_TOTP_STEP, 0, _TOTP_STEP)
    )
