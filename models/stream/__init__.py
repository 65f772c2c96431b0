"""The event stream: its names, and the states of what could not be consumed."""
