"""What the server's answer about tokens means: until when each of them is used. Pure."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

import msgspec

from syncin_mount.remote.decoding import Seconds, Token, decode, is_time

_MARGIN = 120.0
"""Seconds before its end at which a token is renewed (at most a fifth of its life)."""

_UNKNOWN_LIFE = 300.0
"""Life of a token that does not tell it (seconds): short, and a refusal renews it in any case."""

_SHORTEST_LIFE = 10.0
"""Seconds that a token is used whatever it tells: else each request would begin with a renewal."""


class TokenReply(msgspec.Struct):
    """The answer to auth/token and token/refresh. Expirations are seconds since the epoch by the
    server's clock."""

    access: Token
    refresh: Token
    access_expiration: Seconds | None = None
    refresh_expiration: Seconds | None = None


class _Claims(msgspec.Struct):
    iat: float
    exp: float


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens and until when they are used, by the local monotonic clock (seconds). ``since`` is
    when they were asked for; ``ahead`` is what the server's own clock (seconds since the epoch) is
    ahead of that one; None when it was not told."""

    access: str
    access_until: float
    refresh: str
    refresh_until: float
    since: float = -math.inf
    ahead: float | None = None


def granted(reply: TokenReply, now: float) -> Grant:
    """Only differences of the server's own times count: how its clock stands to ours does not
    matter."""
    access = _claims(reply.access)
    refresh = _claims(reply.refresh)
    issued = access.iat if access else refresh.iat if refresh else None

    def until(claims: _Claims | None, expiration: int | None) -> float:
        end = claims.exp if claims else expiration
        life = (
            max(end - issued, _SHORTEST_LIFE)
            if end is not None and issued is not None
            else _UNKNOWN_LIFE
        )
        return now + life - min(_MARGIN, life / 5)

    return Grant(
        reply.access,
        until(access, reply.access_expiration),
        reply.refresh,
        until(refresh, reply.refresh_expiration),
        now,
        None if issued is None else issued - now,
    )


def _claims(token: str) -> _Claims | None:
    """The times in a JSON web token; None when it is none. Its signature is the server's
    business."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), _Claims)
    except ValueError:
        return None
    return claims if is_time(claims.iat) and is_time(claims.exp) else None
