"""Seasons: opening and reading them."""
