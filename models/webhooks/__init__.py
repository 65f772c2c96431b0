"""Webhooks: states of endpoints and messages, and how owners are notified of a switched-off one."""
