"""Who sits at the command line and asks to see something."""

import getpass
import re

from cli.frame.options import options
from models.cases.actors import Actor, Role
from services.audit.access import Viewer
from services.clock import new_id


def viewer(reason: str | None = None) -> Viewer:
    """Return who asks: `--as ROLE:ID`, else whoever is signed in on this machine."""
    here = Actor(role=Role.OPERATOR, id=_signed_in())
    return Viewer(options().actor(here) or here, new_id("req"), reason)


def _signed_in() -> str:
    try:
        name = getpass.getuser()
    except OSError:  # no entry for this number
        name = "unknown"
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unknown"
