"""What workers count for Prometheus."""
