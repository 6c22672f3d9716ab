"""The client of a Sync-in server: accounts and access, the remote folder, registrations, the folder
picker."""

from syncin_mount.remote.account import (
    ClientInfo,
    ServerAccount,
    TokenStore,
    parse_url,
    this_client,
)
from syncin_mount.remote.auth import Session, probe, register
from syncin_mount.remote.errors import Untrusted
from syncin_mount.remote.http.route import Way
from syncin_mount.remote.http.transport import Timeouts
from syncin_mount.remote.listing import ListingOptions
from syncin_mount.remote.remote_folder import Folder

__all__ = [
    "ClientInfo",
    "Folder",
    "ListingOptions",
    "ServerAccount",
    "Session",
    "Timeouts",
    "TokenStore",
    "Untrusted",
    "Way",
    "parse_url",
    "probe",
    "register",
    "this_client",
]
