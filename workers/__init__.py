"""Processes: one worker a role, what they share, and the supervisor that runs them."""
