"""The pure half: what Windows calls things, and how the replica has them. No I/O, no trio."""
