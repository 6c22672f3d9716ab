"""Makes a plan from three trees. Pure: no I/O, no clock, no trio."""
