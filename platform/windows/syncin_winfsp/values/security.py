"""One security descriptor for all of a drive, as text (SDDL). Pure.

The drive belongs to the user who mounted it. The user and the system may do everything, as in a
folder of the user's own; nobody else is let in, unless the drive is mounted for everybody.
"""

from __future__ import annotations

import re
from typing import Final

_SID: Final = re.compile(r"S-1(-[0-9]{1,20}){1,16}")
SYSTEM: Final = "SY"
EVERYBODY: Final = "WD"


def descriptor(user: str, *, everybody: bool) -> str:
    """``user`` is the SID. Raises ValueError for what is none."""
    if _SID.fullmatch(user) is None:
        raise ValueError(f"no SID: {user!r}")
    allowed = [user, SYSTEM, *([EVERYBODY] if everybody else [])]
    return f"O:{user}G:{user}D:P" + "".join(f"(A;;FA;;;{each})" for each in allowed)
