"""The Temporal and NATS servers of the embedded stack: found, built or downloaded."""
