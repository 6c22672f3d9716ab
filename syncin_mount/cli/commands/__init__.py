"""One module a command; `syncin_mount.cli.group` names them."""
