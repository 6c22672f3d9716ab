"""`python -m syncin_mount` is `syncin-mount`."""

from syncin_mount.cli import main

if __name__ == "__main__":
    main()
