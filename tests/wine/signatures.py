"""Authenticode signatures: a binary is the Python Software Foundation's, as it left it.

The chain of certificates leads to a root in ``roots.pem``: DigiCert Trusted Root G4, and Microsoft
Identity Verification Root Certificate Authority 2020 (SHA-256 5367f20c7ade0e2b…, as Microsoft
publishes it). Certificates are judged by the time stamp, since they are valid for days only.
Revocation lists are not fetched: the hash of the package is pinned besides.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.wine.places import HERE, CannotSetUp

_SIGNER = "/CN=Python Software Foundation"
_PROOFS = ("Timestamp Server Signature verification: ok", "\nSignature verification: ok", _SIGNER)


def check_signatures(binaries: Iterable[Path]) -> None:
    """Raises CannotSetUp when one has no valid signature of the foundation, or when there is no
    binary at all."""
    found = list(binaries)
    if not found:
        raise CannotSetUp("there is no binary whose signature could be checked")
    for binary in found:
        said = _verify(binary)
        if missing := [each.strip() for each in _PROOFS if each not in said]:
            raise CannotSetUp(f"the signature of {binary} is not proved: no '{missing[0]}'")


def _verify(binary: Path) -> str:
    roots = HERE / "roots.pem"
    done = _osslsigncode(
        "verify", *_offline(), "-CAfile", str(roots), "-TSA-CAfile", str(roots), "-in", str(binary)
    )
    return done.stdout if done.returncode == 0 else ""


@functools.cache
def _offline() -> tuple[str, ...]:
    """The option that fetches no revocation lists; older versions know none, and fetch none."""
    return ("-ignore-crl",) if "-ignore-crl" in _osslsigncode("verify", "--help").stdout else ()


def _osslsigncode(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["osslsigncode", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise CannotSetUp("signatures cannot be checked: there is no osslsigncode here") from error
