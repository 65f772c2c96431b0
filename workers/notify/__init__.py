"""Tells people: their inbox in the event's own transaction, mails by a sender beside."""
