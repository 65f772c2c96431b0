"""Messages of which a consumer can make nothing: set aside as dead letters, rows of the record."""

import contextlib
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

from models.stream.names import Durable
from services.stream.dead_letters import NewDeadLetter, add_dead_letter
from services.stream.outbox import has_event
from workers.logs.redaction import kept_text
from workers.stream.held_message import HeldMessage, Stopping
from workers.stream.jetstream import CONSUMERS

LONGEST_REASON = 300
MOST_OF_A_STRANGER = 8
"""Deliveries of a message that is not on record to a consumer that never gives up an event."""


class DeadLetters:
    """Sets messages of one consumer aside, if the consumer may give any up at all."""

    def __init__(self, consumer: Durable, record: Engine) -> None:
        self._consumer, self._record = consumer, record
        self._most = CONSUMERS[consumer].max_deliver

    @property
    def allowed(self) -> bool:
        """Whether the consumer gives events up; the audit gives up only what is none."""
        return self._most > 0

    async def is_last(self, held: HeldMessage) -> bool:
        """Tell whether a message that cannot be handled was delivered for the last time.

        A consumer without a limit tries an event of the record for ever, and nothing else: what
        a stranger sent would block it.
        """
        if self.allowed:
            return held.deliveries >= self._most
        return held.deliveries >= MOST_OF_A_STRANGER and not await self.is_on_record(held)

    async def is_on_record(self, held: HeldMessage) -> bool:
        """Ask whether the record has this very message as an event, readable here or not."""
        return await held.work(partial(has_event, self._record, held.subject, held.data))

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
