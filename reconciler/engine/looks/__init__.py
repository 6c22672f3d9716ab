"""Looks into single folders of the server, in which somebody is at work here."""
