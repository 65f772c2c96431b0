"""Who is notified of an event, in which words, and when."""
