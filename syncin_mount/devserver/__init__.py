"""The embedded Sync-in-compatible server: real files, the recorded API, fault injection.

It serves tests, the demo and `syncin-mount serve`. It answers as the recordings under
`tests/recordings` say (a real Sync-in server 2.4.4), and is no server to keep data on.
"""

from .faultfile import FaultFileError
from .faults import (
    CutRequest,
    CutResponse,
    Delay,
    Effect,
    Faults,
    Moment,
    Reply,
    Rule,
    Stall,
    StopListing,
)
from .locks import Lock, LockApp
from .model import ALL_APPLICATIONS, FULL_PERMISSIONS, Application, Share, Space, User
from .server import DevServer, RequestRecord
from .serving import Running, serve
from .store import StateError

__all__ = [
    "ALL_APPLICATIONS",
    "FULL_PERMISSIONS",
    "Application",
    "CutRequest",
    "CutResponse",
    "Delay",
    "DevServer",
    "Effect",
    "FaultFileError",
    "Faults",
    "Lock",
    "LockApp",
    "Moment",
    "Reply",
    "RequestRecord",
    "Rule",
    "Running",
    "Share",
    "Space",
    "Stall",
    "StateError",
    "StopListing",
    "User",
    "serve",
]
