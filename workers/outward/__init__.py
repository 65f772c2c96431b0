"""The way out: which addresses of other systems may be connected to."""
