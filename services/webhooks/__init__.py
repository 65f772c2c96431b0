"""Webhook endpoints: enter, change, test and end one; the log of what was sent, and replays."""
