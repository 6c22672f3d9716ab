"""Which certificates are trusted: a file's that was set, else the environment's or the system's.

OpenSSL says nothing about a variable that names what cannot be read: it then trusts others, or
nobody. Here that is refused, with the variable and what it names
(SSL_CTX_set_default_verify_paths(3)).
"""

from __future__ import annotations

import os
import re
import ssl
import stat
from collections.abc import Mapping

import certifi

from reconciler.errors import Refused
from reconciler.phrases import Phrase
from syncin_mount.remote.refusals.remedies import Help, Remedy

FILE, FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # newer ones of these
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine
)
"""Where distributions have the certificates that they trust. An OpenSSL that another distribution
has built, as in a package that brings its own Python, looks elsewhere."""

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""The names under which OpenSSL looks for certificates in a folder."""


def wrong_in_file(path: str) -> str | None:
    """Why this file's certificates cannot be trusted, as a clause, or None."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            return (
                Phrase("it is a folder") if os.path.isdir(path) else Phrase("it is no regular file")
            )
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return Phrase("it holds no certificate in PEM form, or a damaged one")
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def wrong_in_folder(path: str) -> str | None:
    """The same of a folder, in which a certificate's name is its hash."""
    try:
        names = os.listdir(path)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    if any(_HASHED.fullmatch(name) for name in names):
        return None
    return Phrase(
        "it holds no certificate under its hash; 'openssl rehash {path}' gives them such names",
        path=path,
    )


def wrong_in_environment(environment: Mapping[str, str] = os.environ) -> str | None:
    """A sentence where a variable names certificates that cannot be used, or None. A folder that
    cannot be used is no trouble beside a file or another folder that can: so the system's are left
    out on purpose."""
    file = environment.get(FILE, "")
    folders = [each for each in environment.get(FOLDER, "").split(os.pathsep) if each]
    if file:
        why = wrong_in_file(file)
        return None if why is None else _sentence(FILE, file, why)
    found = [(each, wrong_in_folder(each)) for each in folders]
    if not found or any(why is None for _, why in found):
        return None
    path, why = found[0]
    return _sentence(FOLDER, path, why or "")


def _sentence(variable: str, path: str, why: str) -> str:
    return Phrase(
        "The variable {variable} names {path}, where no certificates can be read"
        " ({why}), so that no server can be trusted, and nothing is sent; name"
        " another, or unset {variable}",
        variable=variable,
        path=path,
        why=why,
    )


def trusting(ca_file: str | None, *, insecure: bool) -> ssl.SSLContext:
    """A context that trusts ``ca_file``, else the environment's or the system's certificates
    (OpenSSL's, else one of ``BUNDLES``), or certifi's where the system has none; ``insecure``:
    everybody. Raises Refused when what was set cannot be used."""
    if ca_file is not None:
        why = wrong_in_file(ca_file)
        if why is not None:
            raise unusable(Phrase("certificates"), ca_file, why)
    if insecure:
        # Nothing is read: a pipe that the environment names would be waited for.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if ca_file is None and (wrong := wrong_in_environment()) is not None:
        raise Refused(wrong)
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:  # it changed just now
        raise unusable(Phrase("certificates"), ca_file, str(error)) from error
    found = ssl.get_default_verify_paths()
    exists = any(path and os.path.exists(path) for path in (found.cafile, found.capath))
    if ca_file is None and not exists:
        bundle = next(filter(os.path.isfile, BUNDLES), None)
        context.load_verify_locations(bundle or certifi.where())
    return context


def unusable(what: str, path: str | None, why: str) -> Refused:
    """The error about a file of ``what`` that was set for a server."""
    return Refused(
        Phrase("The file {path} of {what} cannot be used ({why})", path=path, what=what, why=why),
        remedy=Remedy(Help.OTHER_FILE),
    )
