"""What became of an event, in the shape that scripts read."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from models.notifications.delivery import Channel, DeliveryStatus
from models.webhooks.status import WebhookStatus


class Delivered(BaseModel):
    """One message by one channel. `delivery`: its id, for `delivery retry`."""

    model_config = ConfigDict(from_attributes=True)

    channel: Channel
    status: DeliveryStatus
    delivery: str


class NotifiedUser(BaseModel):
    """Somebody who was notified.

    Attributes:
        user, role: Who; no name and no address.
        at: When the message was put into the inbox.
        read_at: When it was read there; None: not yet.
        ways: The deliveries beside the inbox.
    """

    user: str
    role: str
    at: datetime
    read_at: datetime | None
    ways: list[Delivered]


class WebhookSent(BaseModel):
    """One webhook of an event, or one replay of it. `delivery`: its id, for `webhook replay`."""

    model_config = ConfigDict(from_attributes=True)

    endpoint: str
    status: WebhookStatus
    attempts: int
    delivery: str


class EventView(BaseModel):
    """What became of an event.

    Attributes:
        stream_seq, audit: Its places there; None: not there yet.
        told: The people who were notified.
        webhooks: The messages to endpoints of other systems.
    """

    id: str
    event: str
    recorded_at: datetime
    published_at: datetime | None
    stream_seq: int | None
    attempts: int
    last_error: str | None
    audit: int | None
    told: list[NotifiedUser]
    webhooks: list[WebhookSent]
