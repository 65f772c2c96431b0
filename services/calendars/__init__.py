"""Calendar feeds and entries (iCalendar)."""
