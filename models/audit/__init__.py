"""What the audit keeps besides events."""
