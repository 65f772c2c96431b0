"""Seasons: open one, read one, keep its programme and working days in a cache."""
