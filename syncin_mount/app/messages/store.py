"""Sentences about the local copy: what damages it, and what keeps it from being used."""

from __future__ import annotations
