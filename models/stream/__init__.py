"""The event stream's names, and the states of what could not be consumed."""
