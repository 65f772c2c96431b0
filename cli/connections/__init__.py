"""What commands connect to: databases, services, the stream."""
