"""The Linux frontend: pyfuse3 operations that translate to `syncin_mount.vfs`."""
