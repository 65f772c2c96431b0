"""What the event stream has, lost or gave up."""
