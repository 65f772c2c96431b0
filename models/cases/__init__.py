"""A case: its lifecycle, its commands, its form, its events."""
