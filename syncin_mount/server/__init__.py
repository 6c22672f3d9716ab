"""The client of a Sync-in server: accounts and access, the remote folder, registrations, the folder picker."""

from syncin_mount.server.account import ClientInfo, ServerAccount, TokenStore, parse_url, this_client
from syncin_mount.server.auth import Session, register
from syncin_mount.server.errors import Untrusted
from syncin_mount.server.folder import Folder
from syncin_mount.server.listing import ListingOptions
from syncin_mount.server.transport import Timeouts
from syncin_mount.server.way import Way

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
    "register",
    "this_client",
]
