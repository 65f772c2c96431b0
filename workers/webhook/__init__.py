"""The webhook worker: other systems hear of what happens to their cases."""
