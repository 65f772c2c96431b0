"""States of a dead letter: a message that a consumer set aside as a row."""

from enum import StrEnum


class DeadLetterStatus(StrEnum):
    """Where a dead letter stands. `dropped` is what the wire calls a discarded one."""

    OPEN = "open"
    RETRIED = "retried"
    DROPPED = "dropped"
