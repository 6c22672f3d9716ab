"""Sentences about servers: refusals, connections, certificates, log-ins."""

from __future__ import annotations
