"""Comparing the four stores and repairing forward."""
