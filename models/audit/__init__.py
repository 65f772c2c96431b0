"""Audit entries: what they say, and how they name what they are about."""
