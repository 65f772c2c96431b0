"""Who uses the command line: who acts, and who looks at something."""

import getpass
import re

from cli.frame.options import options
from models.cases.actors import Actor, Role
from services.audit.access import Viewer
from services.clock import new_id


def viewer(reason: str | None = None) -> Viewer:
    """Return who looks: `--as ROLE:ID`, else whoever is signed in on this machine."""
    here = Actor(role=Role.OPERATOR, id=_login_id())
    return Viewer(options().actor(here) or here, new_id("req"), reason)


def acting_organiser() -> Actor:
    """Return who acts: `--as ROLE:ID`, else the organiser."""
    return options().actor() or Actor(role=Role.ORGANISER, id="organiser")


def login_name() -> str:
    """Return the name of whoever is signed in on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this number
        return "unknown"


def _login_id() -> str:
    """Return the login name in the characters that an id may have."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", login_name())[:64] or "unknown"
