"""The engine: when it runs, what a run does, and what waits for the next one."""
