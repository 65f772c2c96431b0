"""The state folder: its files, its lock, and the report of what runs."""
