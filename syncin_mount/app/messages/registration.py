"""Sentences about synchronizations that came from the server, that it has otherwise, or no more."""

from __future__ import annotations

from syncin_mount.app.messages import remedies, says, sentence
from syncin_mount.app.settings.details import NoMore, Registered, Unknown, Unregistered
from syncin_mount.app.synchronizations.adoption import TakenUp
from syncin_mount.app.synchronizations.reregister import GoneThere
from syncin_mount.language import mark, t, tn


@says(GoneThere)
def _gone_there(gone: GoneThere, _drive: str) -> str:
    return t(
        "{drive}: the server has no synchronization of {remote} for this computer any more, and"
        " nothing of it is transferred; register it again ({register}), or remove it ({remove})",
        drive=gone.drive,
        remote=gone.remote,
        register=remedies.register(gone.drive),
        remove=remedies.remove(gone.drive),
    )


@says(TakenUp)
def _taken_up(taken: TakenUp, _drive: str) -> str:
    new = taken.new
    return t(
        "the server lists the synchronization '{drive}' of {remote} for this computer: it is in the"
        " configuration now, disabled; mount it at {mountpoint} ({mount}), or remove it ({remove})",
        drive=new.name,
        remote=new.remote,
        mountpoint=new.mountpoint,
        mount=remedies.mount(new.name),
        remove=remedies.remove(new.name),
    )


@says(Unregistered)
def _unregistered(_value: Unregistered, _drive: str) -> str:
    return t("not registered")


@says(Unknown)
def _unknown(value: Unknown, drive: str) -> str:
    if value.error is None:
        return t("not known: the server does not answer quickly")
    return t("not known: {why}", why=sentence(value.error, drive))


@says(NoMore)
def _no_more(value: NoMore, _drive: str) -> str:
    again = remedies.register(value.drive)
    return t("it has this no more; register it again: {command}", command=again)


_SETTINGS = {
    "direction": mark("direction"),
    "mode": mark("mode"),
    "conflict": mark("conflict"),
    "filters": mark("filters"),
    "enabled": mark("enabled"),
    "folder": mark("folder"),
}


@says(Registered)
def _registered(value: Registered, _drive: str) -> str:
    if not value.other:
        return t("number {number}, set as here", number=value.number)
    names = ", ".join(t(_SETTINGS[each]) for each in value.other)
    values = {"number": value.number, "names": names}
    if value.newer:
        return tn(
            "number {number}; {names} is set otherwise there: newer, and hold with the next run",
            "number {number}; {names} are set otherwise there: newer, and hold with the next run",
            len(value.other),
            **values,
        )
    return tn(
        "number {number}; {names} is set otherwise there: older, and end with the next run",
        "number {number}; {names} are set otherwise there: older, and end with the next run",
        len(value.other),
        **values,
    )
