"""What a process tells of itself over HTTP: health and metrics."""
