"""One request to do something to a case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.commands import Actor
from models.lifecycle import Action
from services.clock import new_id


@dataclass(frozen=True)
class Request:
    """What somebody asks of a case.

    Attributes:
        case_id: Which.
        action: What.
        fields: What its command takes besides actor and reason.
        actor: Who; None: whoever the action belongs to on this case.
        text: Remarks or reasons. Kept in the record; the command names its digest.
        update_id: The request's own id; the same id is never done twice.
    """

    case_id: str
    action: Action
    fields: Mapping[str, Any] = field(default_factory=dict)
    actor: Actor | None = None
    text: str | None = None
    update_id: str = field(default_factory=lambda: new_id("req"))
