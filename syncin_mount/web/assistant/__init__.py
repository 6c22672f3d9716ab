"""The page's assistant: a server, a folder here, a folder there, settings; then a mounted drive."""
