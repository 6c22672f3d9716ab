"""The Windows frontend: winfspy's operations that translate to `syncin_mount.vfs`."""
