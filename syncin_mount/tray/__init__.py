"""The tray icon of the user's drives: a StatusNotifierItem and its menu, on the session's bus."""
