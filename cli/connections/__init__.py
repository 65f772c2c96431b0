"""What a command connects to: the databases, the services, the event stream."""
