"""The user's desktop, over the session's message bus: notices, and opening folders."""
