"""Webhook endpoints, their messages and their log."""
