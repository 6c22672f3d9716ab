"""What Wine lacks for trio and platform: inside Wine this is loaded before everything else.

trio asks Windows for the socket below a socket's layers, to poll it through Windows' own driver.
Wine knows one of the three questions only, and has no layers: the socket is the answer.

Wine's table of TCP knows the process of a connection only once that has used the socket otherwise.
One that listens does so at once; whose all others are is asked of Linux.

From Python 3.12 on ``platform`` asks Windows' management service for its version. Wine 8 ends a
process that asks; without the module ``platform`` finds out in another way.
"""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.util
import os
import re
import socket
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

_NOT_SUPPORTED = 10045  # WSAEOPNOTSUPP


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, and mends it when it was loaded."""

    def __init__(self, module: str, mend: Callable[[Any], None]) -> None:
        self._module = module
        self._mend = mend

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            self._mend(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _mend_trio(module: Any) -> None:
    module._get_underlying_socket = _with_answer(module)


def _mend_table(module: Any) -> None:
    rows = module._rows

    def told(kind: int) -> Any:
        for near, far, process in rows(kind):
            known = process or (os.getpid() if _is_ours(near, far) else 0)
            yield near, far, known

    module._rows = told


def _is_ours(near: tuple[str, int], far: tuple[str, int]) -> bool:
    """Whether the connection is of the user who runs Wine, by Linux's own table."""
    shown = [
        f"{bytes(map(int, host.split('.')))[::-1].hex().upper()}:{port:04X}"
        for host, port in (near, far)
    ]
    for line in Path("Z:/proc/net/tcp").read_text().splitlines():
        columns = line.split()
        if columns[1:3] == shown:
            return columns[7] == _USER
    return False


def _user() -> str:
    found = re.search(r"^Uid:\s+(\d+)", Path("Z:/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def _mend_listening() -> None:
    listen = socket.socket.listen

    def known(self: socket.socket, *backlog: int) -> None:
        listen(self, *backlog)
        ctypes.WinDLL("kernel32").GetFileType(ctypes.c_void_p(self.fileno()))  # type: ignore[attr-defined]

    socket.socket.listen = known  # type: ignore[assignment, method-assign]


def _with_answer(module: Any) -> Any:
    ask = module._get_underlying_socket

    def get_underlying_socket(sock: Any, *, which: Any = module.WSAIoctls.SIO_BASE_HANDLE) -> Any:
        try:
            return ask(sock, which=which)
        except OSError as error:
            if getattr(error, "winerror", None) != _NOT_SUPPORTED:
                raise
        number = sock if isinstance(sock, int) else sock.fileno()
        return module.Handle(module.ffi.cast("HANDLE", number))

    return get_underlying_socket


_USER = _user()
sys.meta_path.insert(0, _Finder("trio._core._io_windows", _mend_trio))
sys.meta_path.insert(0, _Finder("syncin_mount.system.tcp.windows", _mend_table))
_mend_listening()
sys.modules["_wmi"] = None  # type: ignore[assignment]
