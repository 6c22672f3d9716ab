"""What would be lost with a local copy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OnlyHere:
    """What the local copy alone has: ``unsent`` are paths of changes that the server does not have
    ("" for a deletion), ``local`` those of what stays here (left out by a rule, links, devices),
    ``binned`` those where the bin's entries were. ``absent`` counts files whose content is on the
    server only. ``trouble`` says why none of it can be told. ``event`` is the number of the copy's
    last event: another one, and it may be something else."""

    unsent: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    binned: tuple[str, ...] = ()
    absent: int = 0
    trouble: str = ""
    event: int | None = None

    @property
    def is_lost(self) -> bool:
        """Whether anything is lost with the copy."""
        return bool(self.unsent or self.local or self.binned or self.trouble)
