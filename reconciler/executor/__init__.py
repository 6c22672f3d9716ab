"""Carries out single actions, uploads, and the recovery of uploads whose response was lost."""
