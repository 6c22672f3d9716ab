"""What Wine lacks for trio and platform: inside Wine this is loaded before everything else.

trio asks Windows for the socket below a socket's layers, to poll it through Windows' own driver.
Wine knows one of the three questions only, and has no layers: the socket is the answer.

From Python 3.12 on ``platform`` asks Windows' management service for its version. Wine 8 ends a
process that asks; without the module ``platform`` finds out in another way.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from typing import Any

_MODULE = "trio._core._io_windows"
_NOT_SUPPORTED = 10045  # WSAEOPNOTSUPP


class _TrioFinder(importlib.abc.MetaPathFinder):
    """Finds the one module, and mends it when it was loaded."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            module._get_underlying_socket = _with_answer(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


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


sys.meta_path.insert(0, _TrioFinder())
sys.modules["_wmi"] = None  # type: ignore[assignment]
