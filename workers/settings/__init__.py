"""Settings of every process."""
