"""The calendar feeds over HTTP."""
