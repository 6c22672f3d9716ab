"""A stand-in for winfspy where there is no Windows: its classes' names, and what of them the
frontend uses. Requests come from the kernel of tests (tests/winfsp/kernel.py), by `driver`."""

from __future__ import annotations

from typing import Any

from winfspy import driver
from winfspy.plumbing import ffi

__all__ = ["BaseFileSystemOperations", "FileSystem", "WinFSPyError", "driver"]


class WinFSPyError(Exception):
    pass


class BaseFileSystemOperations:
    def __init__(self) -> None:
        self._opened_objs: dict[Any, Any] = {}


class FileSystem:
    def __init__(self, mountpoint: str, operations: object, **volume_params: Any) -> None:
        if not isinstance(operations, BaseFileSystemOperations):
            raise TypeError("no operations")
        self.mountpoint = mountpoint
        self.operations = operations
        self.volume_params = volume_params
        self.started = False
        self._driver = driver.Driver(operations)
        self._file_system_ptr = [ffi.cast("FSP_FILE_SYSTEM *", self._driver.number)]

    def start(self) -> None:
        if driver.REFUSES_TO_MOUNT:
            raise WinFSPyError("Cannot mount file system: STATUS_OBJECT_NAME_COLLISION")
        self.started = True
        self._driver.start()
