"""Sentences about the supervisor and the daemons that it starts."""

from __future__ import annotations
