"""One module a command; `syncin_mount.cli.main` names them."""
