"""A case: its actions, lifecycle, guards, form, agenda, changes, history hash, events."""
