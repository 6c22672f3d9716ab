"""The page: what a user can do, in the browser, served on this computer alone."""
