"""Messages of which a consumer can make nothing: set aside as dead letters, rows of the record."""

import contextlib
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

from models.stream.names import Durable
from services.stream.dead_letters import NewDeadLetter, add_dead_letter
from workers.logs.redaction import kept_text
from workers.stream.held_message import HeldMessage, Stopping
from workers.stream.jetstream import CONSUMERS

LONGEST_REASON = 300


class DeadLetters:
    """Sets messages of one consumer aside, if the consumer may give any up at all."""

    def __init__(self, consumer: Durable, record: Engine) -> None:
        self._consumer, self._record = consumer, record
        self._most = CONSUMERS[consumer].max_deliver

    @property
    def allowed(self) -> bool:
        """Whether the consumer gives messages up; the audit never does."""
        return self._most > 0

    def is_last(self, deliveries: int) -> bool:
        """Whether a message that was delivered so often will not come again."""
        return self.allowed and deliveries >= self._most

    async def set_aside(self, held: HeldMessage, why: str) -> None:
        """Write the dead letter, then terminate the message.

        SQL comes first: if the answer is lost, the message comes again, or its advisory does.
        """
        held.log.error(
            "dead_letter", alarm=True, subject=held.subject, stream_seq=held.place, why=why
        )
        letter = NewDeadLetter(
            consumer=self._consumer,
            subject=held.subject,
            stream_seq=held.place,
            reason=reason_kept(why),
            deliveries=held.deliveries,
            at=datetime.now(UTC),
        )
        with contextlib.suppress(Stopping):  # unanswered, the server's advisory tells of it
            await held.work(partial(add_dead_letter, self._record, letter))
            await held.terminate(letter.reason)


def reason_kept(why: str) -> str:
    """Return a reason without personal data, short enough to keep."""
    return kept_text(why, LONGEST_REASON)
