"""What may be removed at the end of its retention, and its removal."""
