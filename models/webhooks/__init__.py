"""Webhooks: states of endpoints and deliveries, and what owners of a switched-off one read."""
