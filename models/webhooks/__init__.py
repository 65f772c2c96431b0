"""Webhooks: states of endpoints and messages, and what their owners are told."""
