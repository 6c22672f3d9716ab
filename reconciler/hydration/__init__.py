"""Downloads contents that are not here."""
