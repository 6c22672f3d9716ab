"""Which certificate a server shows, whether anybody trusts it or not: for a person who compares its
fingerprint with what the server's administrator says."""

from __future__ import annotations

import hashlib
import ssl
from urllib.parse import urlsplit

import trio

from reconciler.errors import Unreachable
from reconciler.phrases import Phrase
from syncin_mount.remote.http.route import Way, proxy_for

HTTPS_PORT = 443
PATIENCE_S = 10.0
"""How long the server gets to show it."""


async def fingerprint(url: str, way: Way) -> str | None:
    """The SHA-256 fingerprint of the certificate, as ``AB:CD:…``. None where none is shown to us:
    in clear, or behind a proxy. Nobody's login is sent. Raises Unreachable, Refused (a proxy that
    cannot be used)."""
    parts = urlsplit(url)
    if parts.scheme != "https" or proxy_for(url, way) is not None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host = parts.hostname or ""
    try:
        with trio.fail_after(PATIENCE_S):
            stream = await trio.open_ssl_over_tcp_stream(
                host, parts.port or HTTPS_PORT, ssl_context=context
            )
            await stream.do_handshake()
            shown = stream.getpeercert(binary_form=True)
            await trio.aclose_forcefully(stream)
    except (OSError, trio.BrokenResourceError, trio.TooSlowError, ssl.SSLError) as error:
        raise Unreachable(Phrase("{url} shows no certificate now", url=url)) from error
    return None if shown is None else hashlib.sha256(shown).digest().hex(":").upper()
