"""Imports a folder into a replica, and exports a replica as a folder."""
