"""The webhook worker: fans events out to endpoints, posts them, retries."""
