"""What the commands share in a terminal: output, tables, progress, dialogs, option types."""
