"""The checks of request bodies, with the messages of the real server's validators, in their order.

Each `check_…` raises `bad_request` with the list of everything that is wrong, or returns nothing.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from .wire import bad_request

_ABSENT = object()
_CLIENT_TYPES = ("sync-in-desktop", "sync-in-cli")
_FILTERS_MAX = 100
_FILTER_LENGTH_MAX = 1024


def _text(name: str, value: object) -> list[str]:
    problems = []
    if not isinstance(value, str):
        problems.append(f"{name} must be a string")
    if value in ("", None, _ABSENT):
        problems.append(f"{name} should not be empty")
    return problems


def _is_uuid(value: object) -> bool:
    if not isinstance(value, str) or len(value) != 36:
        return False
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def _uuid(name: str, value: object) -> list[str]:
    return ([] if _is_uuid(value) else [f"{name} must be a UUID"]) + _text(name, value)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> list[str]:
    if value in allowed:
        return []
    return [f"{name} must be one of the following values: {', '.join(allowed)}"]


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _integer(name: str, value: object, *, required: bool = True) -> list[str]:
    problems = []
    if required and value in (None, _ABSENT):
        problems.append(f"{name} should not be null or undefined")
    if not _is_integer(value):
        problems.append(f"{name} must be an integer number")
    return problems


def _boolean(name: str, value: object, *, defined: bool = False) -> list[str]:
    problems = []
    if defined and value in (None, _ABSENT):
        problems.append(f"{name} should not be null or undefined")
    if not isinstance(value, bool):
        problems.append(f"{name} must be a boolean value")
    return problems


def _info(value: object) -> list[str]:
    problems = []
    if value in (None, _ABSENT):
        problems.append("info should not be null or undefined")
    if not isinstance(value, dict) or not value:
        problems.append("info must be a non-empty object")
    if not isinstance(value, dict):
        return [*problems, "info must be an object"]
    texts = ("node", "os", "osRelease", "user")
    problems += [
        f"info.{name} must be a string" for name in texts if not isinstance(value.get(name), str)
    ]
    problems += _one_of("info.type", value.get("type"), _CLIENT_TYPES)
    if not isinstance(value.get("version"), str):
        problems.append("info.version must be a string")
    return problems


def _raise(problems: list[str]) -> None:
    if problems:
        raise bad_request(problems)


def check_register(body: Mapping[str, Any]) -> None:
    """`POST register`."""
    problems = _text("login", body.get("login", _ABSENT)) + _text(
        "password", body.get("password", _ABSENT)
    )
    if body.get("code") is not None and not isinstance(body["code"], str):
        problems.append("code must be a string")
    problems += _uuid("clientId", body.get("clientId", _ABSENT))
    _raise(problems + _info(body.get("info", _ABSENT)))


def check_register_auth(body: Mapping[str, Any]) -> None:
    """`POST register/auth`."""
    problems = [] if body.get("clientId") is None else _uuid("clientId", body["clientId"])
    _raise(problems + _info(body.get("info", _ABSENT)))


def check_client_auth(body: Mapping[str, Any]) -> None:
    """`POST auth/token`."""
    problems = _uuid("clientId", body.get("clientId", _ABSENT)) + _uuid(
        "token", body.get("token", _ABSENT)
    )
    _raise(problems + _info(body.get("info", _ABSENT)))


def _filters(value: object) -> list[str]:
    if not isinstance(value, list):
        texts: list[object] | None = None
    else:
        texts = value
    problems = []
    if texts is None or any(
        isinstance(text, str) and len(text) > _FILTER_LENGTH_MAX for text in texts
    ):
        problems.append("each value in filters must be shorter than or equal to 1024 characters")
    if texts is None or not all(isinstance(text, str) for text in texts):
        problems.append("each value in filters must be a string")
    if texts is None or len(texts) > _FILTERS_MAX:
        problems.append("filters must contain no more than 100 elements")
    if texts is None:
        problems.append("filters must be an array")
    return problems


def _scheduler(value: object) -> list[str]:
    if not isinstance(value, dict) or not value:
        return []
    problems = (
        [] if _is_integer(value.get("value")) else ["scheduler.value must be an integer number"]
    )
    return problems + _one_of(
        "scheduler.unit", value.get("unit"), ("disabled", "minute", "hour", "day")
    )


def check_path_settings(body: Mapping[str, Any]) -> None:
    """The settings of one path."""
    problems = []
    for name in ("name", "localPath", "remotePath"):
        problems += _text(name, body.get(name, _ABSENT))
    if body.get("permissions") is not None and not isinstance(body["permissions"], str):
        problems.append("permissions must be a string")
    problems += _one_of("mode", body.get("mode"), ("download", "upload", "both"))
    problems += _one_of("diffMode", body.get("diffMode"), ("fast", "secure"))
    problems += _one_of("conflictMode", body.get("conflictMode"), ("recent", "local", "remote"))
    problems += _filters(body.get("filters", _ABSENT))
    problems += _scheduler(body.get("scheduler"))
    problems += _integer("timestamp", body.get("timestamp", _ABSENT), required=False)
    problems += _boolean("enabled", body.get("enabled", _ABSENT))
    _raise(problems)


def check_diff(body: Mapping[str, Any]) -> None:
    """`POST operation/diff`."""
    problems = _boolean("secureDiff", body.get("secureDiff", _ABSENT), defined=True)
    problems += _boolean("firstSync", body.get("firstSync", _ABSENT), defined=True)
    names = body.get("defaultFilters", _ABSENT)
    if names in (None, _ABSENT):
        problems.append("defaultFilters should not be null or undefined")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        problems.append("each value in defaultFilters must be a string")
    if body.get("pathFilters") is not None and not isinstance(body["pathFilters"], str):
        problems.append("pathFilters must be a string")
    if body.get("snapshot") is not None and not isinstance(body["snapshot"], dict):
        problems.append("snapshot must be an object")
    _raise(problems)


_LEADING_INTEGER = re.compile(r"\s*([+-]?\d+)")


def _query_integer(name: str, value: str | None) -> tuple[int, list[str]]:
    """`parseInt`: leading digits count, a fraction is dropped."""
    if value is None:
        return 0, [
            f"{name} should not be null or undefined",
            f"{name} must be an integer number",
            f"{name} should not be empty",
        ]
    found = _LEADING_INTEGER.match(value)
    return (int(found[1]), []) if found else (0, [f"{name} must be an integer number"])


def upload_query(query: Mapping[str, str]) -> tuple[int, int, str | None]:
    """The size (bytes), the mtime (s) and the checksum an upload declares."""
    size, problems = _query_integer("size", query.get("size"))
    mtime, more = _query_integer("mtime", query.get("mtime"))
    _raise(problems + more)
    return size, mtime, query.get("checksum") or None


def check_make(body: Mapping[str, Any]) -> None:
    """`POST operation/make`."""
    problems = _one_of("type", body.get("type"), ("file", "directory"))
    _raise(problems + _integer("mtime", body.get("mtime", _ABSENT)))


def check_web_make(body: Mapping[str, Any]) -> None:
    """The web API's make."""
    _raise(_one_of("type", body.get("type"), ("file", "directory")))


def check_mtime(body: Mapping[str, Any]) -> None:
    """PROPPATCH."""
    _raise(_integer("mtime", body.get("mtime", _ABSENT)))


def check_copy_move(body: Mapping[str, Any]) -> None:
    """MOVE and COPY."""
    value = body.get("destination", _ABSENT)
    problems = ["destination should not be empty"] if value in ("", None, _ABSENT) else []
    if not isinstance(value, str):
        problems.append("destination must be a string")
    if body.get("mtime") is not None:
        problems += _integer("mtime", body["mtime"])
    _raise(problems)


def check_web_copy_move(body: Mapping[str, Any]) -> None:
    """The web API's MOVE and COPY."""
    problems = _text("dstDirectory", body.get("dstDirectory", _ABSENT))
    if body.get("dstName") is not None and not isinstance(body["dstName"], str):
        problems.append("dstName must be a string")
    if body.get("overwrite") is not None:
        problems += _boolean("overwrite", body["overwrite"])
    _raise(problems)
