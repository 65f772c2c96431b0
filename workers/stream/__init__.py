"""NATS JetStream: connection, relay, consumers."""
