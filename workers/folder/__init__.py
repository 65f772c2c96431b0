"""The state folder: its files, its lock, its report."""
