"""Windows' users: whose a process and a file are, and what only their owner can open. A user is a
SID, as text (``S-1-5-21-…``)."""

from __future__ import annotations

import ctypes
import functools
import msvcrt
import os
import sys
from ctypes import wintypes
from typing import Final

from syncin_mount.system.long_paths import extended

assert sys.platform == "win32"

_KERNEL32 = ctypes.WinDLL("kernel32", use_last_error=True)
_ADVAPI32 = ctypes.WinDLL("advapi32", use_last_error=True)

_QUERY_PROCESS: Final = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_QUERY_TOKEN: Final = 0x0008
_TOKEN_USER: Final = 1
_FILE_OBJECT: Final = 1
_OWNER: Final = 0x1
_PROTECTED_DACL: Final = 0x8000_0004
_ADMINISTRATORS: Final = "S-1-5-32-544"
"""The owner of what an administrator's program makes. They may do everything here anyway."""

_HANDLES = ctypes.POINTER(wintypes.HANDLE)
_POINTERS = ctypes.POINTER(ctypes.c_void_p)
_KERNEL32.OpenProcess.restype = wintypes.HANDLE
_KERNEL32.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
_KERNEL32.GetCurrentProcess.restype = wintypes.HANDLE
_KERNEL32.GetCurrentProcess.argtypes = ()
_KERNEL32.CloseHandle.restype = wintypes.BOOL
_KERNEL32.CloseHandle.argtypes = (wintypes.HANDLE,)
_KERNEL32.LocalFree.restype = ctypes.c_void_p
_KERNEL32.LocalFree.argtypes = (ctypes.c_void_p,)
_ADVAPI32.OpenProcessToken.restype = wintypes.BOOL
_ADVAPI32.OpenProcessToken.argtypes = (wintypes.HANDLE, wintypes.DWORD, _HANDLES)
_ADVAPI32.GetTokenInformation.restype = wintypes.BOOL
_ADVAPI32.GetTokenInformation.argtypes = (
    wintypes.HANDLE,
    ctypes.c_int,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.POINTER(wintypes.DWORD),
)
_ADVAPI32.ConvertSidToStringSidW.restype = wintypes.BOOL
_ADVAPI32.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, _POINTERS)
_ADVAPI32.GetSecurityInfo.restype = wintypes.DWORD
_ADVAPI32.GetSecurityInfo.argtypes = (
    wintypes.HANDLE,
    ctypes.c_int,
    wintypes.DWORD,
    _POINTERS,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    _POINTERS,
)
_ADVAPI32.SetNamedSecurityInfoW.restype = wintypes.DWORD
_ADVAPI32.SetNamedSecurityInfoW.argtypes = (
    wintypes.LPCWSTR,
    ctypes.c_int,
    wintypes.DWORD,
    *[ctypes.c_void_p] * 4,
)
_ADVAPI32.ConvertStringSecurityDescriptorToSecurityDescriptorW.restype = wintypes.BOOL
_ADVAPI32.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
    wintypes.LPCWSTR,
    wintypes.DWORD,
    _POINTERS,
    ctypes.c_void_p,
)
_ADVAPI32.GetSecurityDescriptorDacl.restype = wintypes.BOOL
_ADVAPI32.GetSecurityDescriptorDacl.argtypes = (
    ctypes.c_void_p,
    ctypes.POINTER(wintypes.BOOL),
    _POINTERS,
    ctypes.POINTER(wintypes.BOOL),
)


class _UserAndAttributes(ctypes.Structure):
    _fields_ = (("sid", ctypes.c_void_p), ("attributes", wintypes.DWORD))


@functools.cache
def ourselves() -> str:
    """The user whose process this is. Raises OSError."""
    return _user_of(_KERNEL32.GetCurrentProcess())


def is_our_process(pid: int) -> bool:
    """Whether the process is this user's; one that ended, or that does not let itself be asked, is
    not."""
    process = _KERNEL32.OpenProcess(_QUERY_PROCESS, False, pid)
    if not process:
        return False
    try:
        return _user_of(process) == ourselves()
    except OSError:
        return False
    finally:
        _KERNEL32.CloseHandle(process)


def belongs_to_us(fd: int) -> bool:
    """Whether the open file belongs to this user, or to the administrators. Raises OSError."""
    owner, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
    code = _ADVAPI32.GetSecurityInfo(
        msvcrt.get_osfhandle(fd),
        _FILE_OBJECT,
        _OWNER,
        ctypes.byref(owner),
        None,
        None,
        None,
        ctypes.byref(descriptor),
    )
    if code:
        raise ctypes.WinError(code)
    try:
        return _text(owner) in {ourselves(), _ADMINISTRATORS}
    finally:
        _KERNEL32.LocalFree(descriptor)


def close_to_others(path: str | os.PathLike[str], *, with_content: bool = False) -> None:
    """Only this user, and the system itself, may open the file or folder from now on, whatever its
    folder says; ``with_content``: and what is made in it. Raises OSError."""
    inherited = "OICI" if with_content else ""
    text = f"D:P(A;{inherited};FA;;;{ourselves()})(A;{inherited};FA;;;SY)"
    descriptor, dacl = ctypes.c_void_p(), ctypes.c_void_p()
    there, usual = wintypes.BOOL(), wintypes.BOOL()
    convert = _ADVAPI32.ConvertStringSecurityDescriptorToSecurityDescriptorW
    if not convert(text, 1, ctypes.byref(descriptor), None):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        if not _ADVAPI32.GetSecurityDescriptorDacl(
            descriptor, ctypes.byref(there), ctypes.byref(dacl), ctypes.byref(usual)
        ):
            raise ctypes.WinError(ctypes.get_last_error())
        code = _ADVAPI32.SetNamedSecurityInfoW(
            extended(path), _FILE_OBJECT, _PROTECTED_DACL, None, None, dacl, None
        )
        if code:
            raise ctypes.WinError(code)
    finally:
        _KERNEL32.LocalFree(descriptor)


def _user_of(process: int) -> str:
    """Raises OSError."""
    token = wintypes.HANDLE()
    if not _ADVAPI32.OpenProcessToken(process, _QUERY_TOKEN, ctypes.byref(token)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        size = wintypes.DWORD()
        _ADVAPI32.GetTokenInformation(token, _TOKEN_USER, None, 0, ctypes.byref(size))
        found = ctypes.create_string_buffer(size.value)
        if not _ADVAPI32.GetTokenInformation(token, _TOKEN_USER, found, size, ctypes.byref(size)):
            raise ctypes.WinError(ctypes.get_last_error())
        return _text(ctypes.c_void_p(_UserAndAttributes.from_buffer(found).sid))
    finally:
        _KERNEL32.CloseHandle(token)


def _text(sid: ctypes.c_void_p) -> str:
    """Raises OSError."""
    text = ctypes.c_void_p()
    if not _ADVAPI32.ConvertSidToStringSidW(sid, ctypes.byref(text)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        assert text.value is not None
        return ctypes.wstring_at(text.value)
    finally:
        _KERNEL32.LocalFree(text)
