"""`tuixuan case`: file cases, look at them, and do what their lifecycle allows."""

from cli.commands.case.actions import add_actions
from cli.commands.case.reads import app

__all__ = ["app"]

add_actions(app)
