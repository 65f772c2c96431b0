"""`tuixuan dead-letter`: events that a consumer gave up, and what to do with them."""

from cli.commands.dead_letter.letters import app

__all__ = ["app"]
