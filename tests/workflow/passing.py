"""What an action needs beside the right state and role."""

from datetime import timedelta
from typing import Any

from models.cases.actions.names import Action
from services.clock import now
from tests import factories


def passing_fields(action: Action) -> dict[str, Any]:
    """Return what an action needs so that no guard but state and role is against it."""
    points = factories.programme().screening
    fields: dict[Action, dict[str, Any]] = {
        Action.ACCEPT: {"answers": {point.key: True for point in points}},
        Action.RECOMMEND: {"rank": 1},
        Action.REQUEST_CORRECTION: {"due": now() + timedelta(days=5)},
        Action.DISQUALIFY: {"objection": "2024-07"},
        Action.MOVE_DEADLINE: {"until": now() + timedelta(days=9)},
    }
    return fields.get(action, {})
