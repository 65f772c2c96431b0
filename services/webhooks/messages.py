"""A message to an endpoint, and the row as which it waits."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from models.webhooks.status import WebhookStatus
from services.clock import new_id


@dataclass(frozen=True)
class Message:
    """What is sent. `case_id`, `seq`: None and 0 if it is about no case."""

    event_id: str
    event: str
    case_id: str | None
    seq: int
    body: str


def waiting_row(endpoint_id: str, message: Message, at: datetime) -> dict[str, Any]:
    """Return the row of a message that may leave at `at`, for the first time."""
    return {
        "id": new_id("whd"),
        "endpoint_id": endpoint_id,
        **asdict(message),
        "replay": 0,
        "status": WebhookStatus.WAITING,
        "attempts": 0,
        "next_attempt_at": at,
        "created_at": at,
    }
