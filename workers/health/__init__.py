"""What a process says of itself over HTTP: liveness, readiness, metrics."""
