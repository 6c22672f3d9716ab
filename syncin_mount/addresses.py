"""What an address says of the computer behind it. Pure; nobody is asked."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def goes_in_clear(url: str) -> bool:
    """Whether it is an http address of another computer."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether the name or address is this computer's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def without_login(url: str) -> str:
    """The address without user name and password, however odd it is."""
    scheme, mark, rest = url.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
