"""Audit entries, the lines of the chain and of the digest file, and the checks of both."""
