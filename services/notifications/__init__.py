"""Inboxes, deliveries by mail, chat and SMS, and their texts."""
