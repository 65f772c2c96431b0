"""The event stream as the record sees it: outbox, events, dead letters, losses."""
