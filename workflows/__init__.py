"""Durable processes. No I/O, no clock of their own."""
