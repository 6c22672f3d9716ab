r"""Paths with ``\\?\`` in front: made the same on every system."""

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest

from syncin_mount.system.long_paths import extended


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        (r"C:\a\b", r"\\?\C:\a\b"),
        ("C:/a/b", r"\\?\C:\a\b"),
        (b"C:\\a\\\xc3\xbc", "\\\\?\\C:\\a\\ü"),
        (PureWindowsPath(r"C:\a"), r"\\?\C:\a"),
        (r"C:\a\..\b\.\c", r"\\?\C:\b\c"),
        (r"\\server\share\a", r"\\?\UNC\server\share\a"),
        (r"\\?\C:\a", r"\\?\C:\a"),
        ("\\\\?\\C:\\a/1/b", r"\\?\C:\a\1\b"),
        (r"\\.\pipe\a", r"\\.\pipe\a"),
        ("b", r"\\?\D:\here\b"),
        (r"..\b", r"\\?\D:\b"),
        (r"\b", r"\\?\D:\b"),
        # Windows would take these for others without the prefix.
        (r"C:\a. \b.", r"\\?\C:\a. \b."),
        (r"C:\con", r"\\?\C:\con"),
    ],
)
def test_the_prefix_goes_before_the_whole_path(
    path: str | bytes | PureWindowsPath, whole: str
) -> None:
    assert extended(path, r"D:\here") == whole
