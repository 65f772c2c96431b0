"""A case: lifecycle, guards, commands, form, agenda, history hash, events."""
