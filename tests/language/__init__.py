"""Tools and tests of the catalogues."""
