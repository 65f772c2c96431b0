"""NATS JetStream: the connection, the relay that publishes, the consumer that reads in order."""
