"""Everything that a user can do, without a screen."""
