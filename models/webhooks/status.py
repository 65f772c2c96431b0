"""States of webhook endpoints and of the messages to them."""

from enum import StrEnum
from typing import Final


class EndpointStatus(StrEnum):
    """Where an endpoint stands; a removed one is disabled for good."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


REMOVED: Final = "removed"
"""What a removed endpoint is shown as; its row says `disabled` and when it was removed."""


class WebhookStatus(StrEnum):
    """Where a message to an endpoint stands.

    Failed: all attempts are used up. Cancelled: the endpoint was removed before it left.
    """

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
