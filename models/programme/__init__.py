"""A call as data: its form, its dates, its rules."""
