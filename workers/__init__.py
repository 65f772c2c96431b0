"""Processes: the workers, and the supervisor that runs them."""
