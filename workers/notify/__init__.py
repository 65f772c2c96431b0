"""The notify worker: notifies people of events, and sends what is due by each channel."""
