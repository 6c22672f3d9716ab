"""Whose process is at an end of a TCP connection within this computer, by the kernel's word."""

import sys

if sys.platform == "win32":
    from syncin_mount.system.tcp.windows import is_ours, keep_port, listener
else:
    from syncin_mount.system.tcp.linux import is_ours, keep_port, listener

__all__ = ["is_ours", "keep_port", "listener"]
