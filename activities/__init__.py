"""What workflows ask for: thin activities, each of which calls one use case of services."""
