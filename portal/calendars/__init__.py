"""The route that serves calendar feeds."""
