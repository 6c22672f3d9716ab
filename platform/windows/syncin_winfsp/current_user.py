"""Who runs this program, as Windows names users."""

from __future__ import annotations

import sys
from typing import Final

_TOKEN_QUERY: Final = 0x8
_TOKEN_USER: Final = 1
_LOCAL_SYSTEM: Final = "S-1-5-18"
_BUFFER_BYTES: Final = 256


def sid() -> str:
    """The user's SID (GetTokenInformation). Where there is no Windows, that of its system account:
    nothing is mounted there but in tests. Raises OSError."""
    return _of_windows() if sys.platform == "win32" else _LOCAL_SYSTEM


def _of_windows() -> str:
    import ctypes  # noqa: PLC0415 - not needed elsewhere
    from ctypes import wintypes  # noqa: PLC0415

    # typeshed has it for Windows alone
    advapi = ctypes.WinDLL("advapi32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    advapi.OpenProcessToken.argtypes = [
        *(wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE)),
    ]
    advapi.GetTokenInformation.argtypes = [
        *(wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD),
        ctypes.POINTER(wintypes.DWORD),
    ]
    advapi.ConvertSidToStringSidW.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
    kernel.LocalFree.argtypes = [ctypes.c_void_p]
    kernel.CloseHandle.argtypes = [wintypes.HANDLE]

    def check(succeeded: int) -> None:
        if not succeeded:
            # typeshed has it for Windows alone
            raise ctypes.WinError(ctypes.get_last_error())  # type: ignore[attr-defined,unused-ignore]

    token, size = wintypes.HANDLE(), wintypes.DWORD()
    check(advapi.OpenProcessToken(kernel.GetCurrentProcess(), _TOKEN_QUERY, ctypes.byref(token)))
    try:
        buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
        check(
            advapi.GetTokenInformation(token, _TOKEN_USER, buffer, len(buffer), ctypes.byref(size))
        )
    finally:
        kernel.CloseHandle(token)
    # TOKEN_USER begins with the pointer to the SID, which is behind it in the buffer.
    user = ctypes.c_void_p.from_buffer(buffer)
    text = ctypes.c_void_p()
    check(advapi.ConvertSidToStringSidW(user, ctypes.byref(text)))
    try:
        assert text.value is not None
        return ctypes.wstring_at(text.value)
    finally:
        kernel.LocalFree(text)
