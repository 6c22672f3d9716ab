"""Accounts on servers, and sessions with them."""
