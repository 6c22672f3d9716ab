#!/bin/sh
# Puts the program on the path, with its manual pages, completions and entry in the desktop's menu:
# links that lead into this folder. install.sh --help tells the rest.
home=$(readlink -f -- "$0") && home=${home%/*} || exit
if ! "$home/python/bin/python3" -I -S -c pass; then
    echo "syncin-mount does not start here: it needs Linux on $(uname -m) with glibc @GLIBC@ or" \
        "newer. 'ldd --version' tells what this system has." >&2
    exit 1
fi
exec "$home/python/bin/python3" -I "$home/python/installer.py" "$@"
