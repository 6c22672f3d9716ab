"""One module a command; `syncin_mount.cli.command_group` names them."""
