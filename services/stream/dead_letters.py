"""Dead letters: messages that a consumer gave up, as rows of the record, and what became of each.

A consumer writes the row before it terminates the message. Where it crashed each time and could
write nothing, the server's advisory is turned into a row (`services.stream.advisories`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from models import tables
from models.ids import event_id
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.stream.dead_letters import DeadLetterStatus
from models.stream.names import parse_subject
from services.clock import new_id, now

MOST_AT_ONCE = 200

_dead_letter = tables.dead_letter.c


@dataclass(frozen=True)
class NewDeadLetter:
    """What a consumer, or the server for it, reports of a message that it gave up."""

    consumer: str
    subject: str
    stream_seq: int
    reason: str
    deliveries: int
    at: datetime


class DeadLetterView(BaseModel):
    """A dead letter.

    Attributes:
        consumer: Who gave the message up; the others may have handled it.
        stream_seq: The message's place in the stream at that time.
        event_id: `case_id:seq`; None: its subject is not one of ours, or unknown.
        why: What the consumer reported.
        deliveries: How often it was tried.
        status: `open`; `retried` or `dropped`, then with who, when and why.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    consumer: str
    stream_seq: int
    event_id: str | None
    case_id: str | None
    subject: str
    why: str
    deliveries: int
    first_at: datetime
    at: datetime
    status: DeadLetterStatus
    resolved_by: str | None
    resolved_at: datetime | None
    note: str | None


def add_dead_letter(engine: Engine, new: NewDeadLetter) -> None:
    """Write a dead letter; the same message of the same consumer is the same dead letter.

    One that was retried is open again if it failed after that; a discarded one stays discarded.
    """
    try:
        with transaction(engine) as connection:
            _write(connection, new)
    except IntegrityError:  # another process was first
        with transaction(engine) as connection:
            _write(connection, new)


def list_dead_letters(
    engine: Engine, status: DeadLetterStatus | None = DeadLetterStatus.OPEN
) -> list[DeadLetterView]:
    """Return the oldest `MOST_AT_ONCE` of a status; None: of all."""
    query = (
        select(tables.dead_letter)
        .order_by(_dead_letter.first_at, _dead_letter.id)
        .limit(MOST_AT_ONCE)
    )
    if status is not None:
        query = query.where(_dead_letter.status == status)
    with reading(engine) as connection:
        return [_view(row) for row in connection.execute(query).mappings()]


def read_dead_letter(engine: Engine, letter_id: str) -> DeadLetterView:
    """Return one dead letter.

    Raises:
        Refused: `unknown_dead_letter`.
    """
    query = select(tables.dead_letter).filter_by(id=letter_id)
    with reading(engine) as connection:
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise Refused("unknown_dead_letter", f"没有死信 {letter_id}。")
    return _view(row)


def read_open_dead_letter(engine: Engine, letter_id: str) -> DeadLetterView:
    """Return one that nobody settled yet.

    Raises:
        Refused: `unknown_dead_letter`, or `dead_letter_settled`.
    """
    found = read_dead_letter(engine, letter_id)
    if found.status != DeadLetterStatus.OPEN:
        raise _settled(found)
    return found


def discard(engine: Engine, letter_id: str, by: str, reason: str) -> DeadLetterView:
    """Decide that an event is not to be handled; its dead letter keeps the reason.

    Raises:
        Refused: `unknown_dead_letter`, `dead_letter_settled`, or `reason_required`.
    """
    if not reason.strip():
        raise Refused("reason_required", "请说明理由（--reason）。")
    read_open_dead_letter(engine, letter_id)
    return settle(engine, letter_id, DeadLetterStatus.DROPPED, by, reason.strip())


def settle(
    engine: Engine, letter_id: str, status: DeadLetterStatus, by: str, note: str | None = None
) -> DeadLetterView:
    """Write down who settled an open dead letter and how.

    Raises:
        Refused: `dead_letter_settled`: somebody else did meanwhile.
    """
    values = {"status": status, "resolved_by": by, "resolved_at": now(), "note": note}
    still_open = update(tables.dead_letter).filter_by(id=letter_id, status=DeadLetterStatus.OPEN)
    with transaction(engine) as connection:
        done = connection.execute(still_open.values(values)).rowcount
    found = read_dead_letter(engine, letter_id)
    if not done:
        raise _settled(found)
    return found


def _write(connection: Connection, new: NewDeadLetter) -> None:
    found = connection.execute(
        select(_dead_letter.id, _dead_letter.status, _dead_letter.resolved_at, _dead_letter.at)
        .filter_by(consumer=new.consumer, subject=new.subject)
        .with_for_update()
    ).one_or_none()
    if found is None:
        connection.execute(insert(tables.dead_letter), _row(new))
        return
    known = new.at <= (found.resolved_at or found.at)
    if known or found.status == DeadLetterStatus.DROPPED:
        return
    failed_again = {
        "stream_seq": new.stream_seq,
        "reason": new.reason,
        "deliveries": new.deliveries,
        "at": new.at,
        "status": DeadLetterStatus.OPEN,
        "resolved_by": None,
        "resolved_at": None,
    }
    connection.execute(
        update(tables.dead_letter).where(_dead_letter.id == found.id).values(failed_again)
    )


def _row(new: NewDeadLetter) -> Mapping[str, Any]:
    event, case_id = _event_of(new.subject)
    return {
        "id": new_id("dead"),
        **asdict(new),
        "event_id": event,
        "case_id": case_id,
        "first_at": new.at,
        "status": DeadLetterStatus.OPEN,
    }


def _event_of(subject: str) -> tuple[str | None, str | None]:
    """Return the ids of the event and of the case that a subject names, if it is one of ours."""
    try:
        _, case_id, seq = parse_subject(subject)
    except ValueError:
        return None, None
    return event_id(case_id, seq), case_id


def _view(row: RowMapping) -> DeadLetterView:
    return DeadLetterView.model_validate({**row, "why": row["reason"]})


def _settled(found: DeadLetterView) -> Refused:
    return Refused("dead_letter_settled", f"死信 {found.id} 已处理（{found.status}）。")
