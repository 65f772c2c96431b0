"""Who is notified of an event, in which words, and when a message may leave."""
