"""What mounted drives are told, and which did not take it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncin_mount.control.failures import ControlError


class Notice(enum.Enum):
    """What a daemon is told. Each of them it finds by itself, too, only later."""

    CONFIGURATION = "the configuration was changed"
    SERVER = "the server may take now what it refused"


@dataclass(frozen=True, slots=True)
class Unnotified:
    """A mounted drive that did not take a notice."""

    drive: str
    notice: Notice
    error: ControlError
