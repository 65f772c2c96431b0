"""Who sits at the command line and asks to see something."""

import getpass
import re

from cli.options import options
from models.commands import Actor, Role
from services.clock import new_id
from services.looks import Looker


def looker(reason: str | None = None) -> Looker:
    """Return who asks: `--as ROLE:ID`, else whoever is signed in on this machine."""
    here = Actor(role=Role.OPERATOR, id=_signed_in())
    return Looker(options().actor(here) or here, new_id("req"), reason)


def _signed_in() -> str:
    try:
        name = getpass.getuser()
    except OSError:  # no entry for this number
        name = "unknown"
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unknown"
