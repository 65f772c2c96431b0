"""Channels of delivery beside the inbox, and the states of a delivery."""

from enum import StrEnum


class Channel(StrEnum):
    """How a message reaches somebody beside the inbox."""

    MAIL = "mail"
    CHAT = "chat"
    SMS = "sms"


class DeliveryStatus(StrEnum):
    """Where a delivery stands.

    Failed: set aside after its attempts or refused for good. Dropped: what it reminds of was done
    before it left, or its text was removed.
    """

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
