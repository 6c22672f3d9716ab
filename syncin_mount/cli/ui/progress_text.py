"""How far the work is, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncin_mount.app.messages import quantities
from syncin_mount.cli.ui import output
from syncin_mount.language import mark, t, tn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncin_mount.control.messages import Progress, Running

COMPARES = {
    "checksums": mark("the server counts checksums"),
    "comparing": mark("comparing contents"),
}

_LARGE = 256 << 10
"""Bytes from which on it is told how much of a file is across."""

_VERBS = {"send": mark("uploading"), "fetch": mark("downloading")}
_OTHERS = {
    ("make", "remote"): mark("making a folder on the server"),
    ("make", "local"): mark("making a folder here"),
    ("move", "remote"): mark("moving on the server"),
    ("move", "local"): mark("moving here"),
    ("delete", "remote"): mark("deleting on the server"),
    ("delete", "local"): mark("deleting here"),
    ("touch", "remote"): mark("setting a time on the server"),
    ("touch", "local"): mark("setting a time here"),
}
_PHASES = {"preparing": mark("preparing"), "finishing": mark("finishing")}


def verb(running: Running) -> str:
    """What is done with a file just now: ``uploading``, ``preparing`` (its checksum is counted),
    ``finishing`` (all of it is across, and not confirmed yet)."""
    if running.phase in _PHASES and running.size >= _LARGE:
        return t(_PHASES[running.phase])
    said = _VERBS.get(running.op) or _OTHERS.get((running.op, running.side), running.op)
    return t(said)


def share(progress: Progress) -> tuple[int, int | None]:
    """How much of how much: bytes where there are any, else files or actions; None: not known."""
    if progress.phase in COMPARES:
        return progress.compared, progress.to_compare or None
    if progress.phase not in {"carrying", "fetching"}:
        return 0, None
    if _prepares(progress):
        some = progress.transfers
        return sum(each.done for each in some), sum(each.size for each in some)
    if progress.bytes:
        return progress.bytes_done, progress.bytes
    if progress.files:
        return progress.files_done, progress.files
    return progress.actions_done, progress.actions or None


def _prepares(progress: Progress) -> bool:
    """Whether all that is left is being prepared."""
    left = progress.files - progress.files_done
    return 0 < left == sum(each.phase == "preparing" for each in progress.transfers)


def part(progress: Progress | None) -> float:
    """How much of a run is done, from 0 to 1, as far as that is known."""
    if progress is None or progress.phase in COMPARES or _prepares(progress):
        return 0.0
    done, total = share(progress)
    return min(done / total, 1.0) if total else 0.0


def percent(progress: Progress) -> str:
    """``45 %``; empty where it is not known. 100 only when all is done."""
    done, total = share(progress)
    if not total:
        return ""
    return f"{100 if done >= total else min(int(100 * done / total), 99)} %"


def doing(progress: Progress) -> str:
    """What the work is at, in a word or two."""
    if progress.phase == "listing":
        return t("listing")
    if progress.phase in COMPARES:
        return t(COMPARES[progress.phase])
    if progress.phase == "starting":
        return t("starting")
    if progress.transfers and all(each.phase == "preparing" for each in progress.transfers):
        return t("preparing")
    ops = {each.op for each in progress.transfers if each.op in _VERBS}
    if ops == {"send"}:
        return t("uploading")
    if ops == {"fetch"} or (progress.phase == "fetching" and not ops):
        return t("downloading")
    return t("syncing")


def amounts(progress: Progress) -> str:
    """``12 of 5000 files, 0.9 GiB of 2.0 GiB``, as much of it as there is."""
    if progress.phase == "listing":
        return quantities.entries(progress.entries)
    if progress.phase in COMPARES:
        counts = {"done": progress.compared, "all": progress.to_compare}
        if not progress.read:
            return t("{done} of {all}", **counts)
        return t("{done} of {all}, {size} read", size=output.size(progress.read), **counts)
    parts = []
    if progress.files:
        done = progress.files_done
        parts.append(
            tn("{done} of {count} file", "{done} of {count} files", progress.files, done=done)
        )
    elif progress.actions:
        done = progress.actions_done
        parts.append(
            tn("{done} of {count} change", "{done} of {count} changes", progress.actions, done=done)
        )
    if progress.bytes:
        parts.append(_of(progress.bytes_done, progress.bytes))
    return ", ".join(parts)


def _of(done: int, size: int) -> str:
    return t("{done} of {all}", done=output.size(done), all=output.size(size))


def pace(progress: Progress) -> str:
    """``21.3 MiB/s, 51 s left``, as far as they are known."""
    if progress.phase not in {"carrying", "fetching"}:
        return ""
    return _pace(progress.speed, progress.left)


def _pace(speed: float | None, left: float | None) -> str:
    parts = [f"{output.size(int(speed))}/s"] if speed is not None else []
    return ", ".join(
        [*parts, *([t("{time} left", time=duration(left))] if left is not None else [])]
    )


def line(progress: Progress) -> str:
    """All of it in one line."""
    share_done, files = percent(progress), [each.path for each in progress.transfers[:1]]
    told = [amounts(progress), share_done, pace(progress), *files]
    said = ", ".join(each for each in told if each)
    return f"{doing(progress)}: {said}" if said else doing(progress)


def together(moments: Iterable[Progress], over: int, runs: int) -> str:
    """Several runs in a few words."""
    known = list(moments)
    done, size = sum(each.bytes_done for each in known), sum(each.bytes for each in known)
    files = sum(each.files for each in known)
    parts = [tn("{over} of {count} done", "{over} of {count} done", runs, over=over)]
    if files:
        across = sum(each.files_done for each in known)
        parts.append(tn("{done} of {count} file", "{done} of {count} files", files, done=across))
    if size:
        parts.append(_of(done, size))
    return ", ".join(parts)


def transfer(running: Running) -> str:
    """``12.0 MiB of 40.0 MiB, 30 %, 2.1 MiB/s, 14 s left``; as much of it as is known."""
    if running.size < _LARGE:
        return output.size(running.size) if running.size else ""
    parts = [
        _of(running.done, running.size),
        f"{100 * running.done // running.size} %",
        _pace(running.speed, running.left),
    ]
    return ", ".join(each for each in parts if each)


def duration(seconds: float) -> str:
    """``8 s``, ``4 min``, ``2 h 10 min``, ``3 d``; never less than nothing."""
    whole = max(0, round(seconds))
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return f"{minutes // (24 * 60)} d"
