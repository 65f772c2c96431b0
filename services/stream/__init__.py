"""The event stream as the record sees it: events, dead letters, what was lost."""
