"""Webhooks: states, answers and retries, and what owners of a switched-off endpoint read."""
