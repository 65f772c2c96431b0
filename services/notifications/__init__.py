"""Notifications: inboxes, deliveries by mail, chat and SMS, the mail's template."""
