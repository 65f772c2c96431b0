"""Users: enter them, find those whom an event concerns, say for whom somebody acts."""
