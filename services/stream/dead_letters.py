"""Events that a consumer gave up: which, why, and what became of them. They lie in SQL.

A consumer puts a letter down itself before it gives the message up. Where it crashed each
time and could say nothing, the server's advisory is turned into one (`services.stream.advisories`).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from models.refusals import Refused
from models.store.engine import reading, transaction
from models.stream.dead_letters import DeadLetterStatus
from models.stream.names import EVENTS
from models.tables import DeadLetter, Outbox, table_of
from services.clock import new_id, now

MOST_AT_ONCE = 200

type HandOver = Callable[[str, bytes, int], None]
"""Does what a consumer does with a message: its subject, its bytes, its place in the stream."""

_LETTERS, _OUTBOX = table_of(DeadLetter), table_of(Outbox)


@dataclass(frozen=True)
class NewDeadLetter:
    """What a consumer, or the server for it, says of an event it gave up."""

    consumer: str
    subject: str
    stream_seq: int
    reason: str
    deliveries: int
    at: datetime


class DeadLetterView(BaseModel):
    """A dead letter.

    Attributes:
        consumer: Who gave it up; the others may have done their part.
        stream_seq: The event's place in the stream at that time.
        event_id: `case_id:seq`; None: its subject is not one of ours, or unknown.
        why: What the consumer said.
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
    status: str
    resolved_by: str | None
    resolved_at: datetime | None
    note: str | None


def add_letter(engine: Engine, new_letter: NewDeadLetter) -> None:
    """Keep an event that a consumer gives up; again the same one is the same letter.

    One that was retried is open again if it failed after that; a dropped one stays dropped.
    """
    try:
        with transaction(engine) as connection:
            _keep(connection, new_letter)
    except IntegrityError:  # another process was first
        with transaction(engine) as connection:
            _keep(connection, new_letter)


def list_letters(
    engine: Engine, status: DeadLetterStatus | None = DeadLetterStatus.OPEN
) -> list[DeadLetterView]:
    """Return the oldest `MOST_AT_ONCE` of a status, or of all."""
    query = select(_LETTERS).order_by(_LETTERS.c.first_at, _LETTERS.c.id).limit(MOST_AT_ONCE)
    if status is not None:
        query = query.where(_LETTERS.c.status == status)
    with reading(engine) as connection:
        return [_letter(row) for row in connection.execute(query).mappings()]


def read_letter(engine: Engine, letter_id: str) -> DeadLetterView:
    """Return one letter.

    Raises:
        Refused: There is no such letter.
    """
    with reading(engine) as connection:
        row = connection.execute(select(_LETTERS).filter_by(id=letter_id)).mappings().one_or_none()
    if row is None:
        raise Refused("unknown_dead_letter", f"没有死信 {letter_id}。")
    return _letter(row)


def discard(engine: Engine, letter_id: str, by: str, reason: str) -> DeadLetterView:
    """Decide that a letter's event is not to be done; it stays on record with the reason.

    Raises:
        Refused: There is no such letter, it is settled, or no reason is given.
    """
    if not reason.strip():
        raise Refused("reason_required", "请说明理由（--reason）。")
    _open(engine, letter_id)
    return _resolve(engine, letter_id, DeadLetterStatus.DROPPED, by, reason.strip())


def discarded_seqs(engine: Engine, consumer: str, case_id: str) -> frozenset[int]:
    """Return which events of a case a consumer is not to do: their letters were dropped."""
    columns = _LETTERS.c
    query = select(columns.event_id).where(
        columns.consumer == consumer,
        columns.case_id == case_id,
        columns.status == DeadLetterStatus.DROPPED,
    )
    with reading(engine) as connection:
        return frozenset(int(each.rpartition(":")[2]) for each in connection.scalars(query))


async def retry(
    engine: Engine,
    letter_id: str,
    consumers: Mapping[str, HandOver],
    js: JetStreamContext | None,
    by: str,
) -> DeadLetterView:
    """Hand an event once more to the consumer that gave it up.

    Args:
        engine: The record, which has the bytes of every event of ours.
        letter_id: Which.
        consumers: Each consumer's work, by its name.
        js: Where a message is read that the record does not know; None: NATS is away.
        by: Who asks for it.

    Raises:
        Refused: There is no such letter, nobody can do it here, or it fails again.
    """
    found = _open(engine, letter_id)
    hand_over = consumers.get(found.consumer)
    if hand_over is None:
        raise Refused("unknown_consumer", f"没有名为 {found.consumer} 的消费者。")
    body = await asyncio.to_thread(_on_record, engine, found) or await _on_stream(js, found)
    try:
        await asyncio.to_thread(hand_over, found.subject, body, found.stream_seq)
    except (Refused, OperationalError, InterfaceError):  # a database that is away says so
        raise
    except Exception as error:
        message = f"仍然办不了：{type(error).__name__}。详情见 {found.consumer} 的日志。"
        raise Refused("event_failed", message) from error
    return _resolve(engine, letter_id, DeadLetterStatus.RETRIED, by, None)


def ids_of(subject: str) -> tuple[str | None, str | None]:
    """Return the event's id and the case's id that a subject names."""
    *_, case_id, seq = ("", "", *subject.split("."))
    return (f"{case_id}:{seq}", case_id) if case_id and seq.isdecimal() else (None, None)


def _keep(connection: Connection, new_letter: NewDeadLetter) -> None:
    key = {"consumer": new_letter.consumer, "subject": new_letter.subject}
    columns = _LETTERS.c
    stands = connection.execute(
        select(columns.id, columns.status, columns.resolved_at, columns.at)
        .filter_by(**key)
        .with_for_update()
    ).one_or_none()
    if stands is None:
        event_id, case_id = ids_of(new_letter.subject)
        row = {
            "id": new_id("dead"),
            "event_id": event_id,
            "case_id": case_id,
            "status": DeadLetterStatus.OPEN,
        }
        connection.execute(
            insert(_LETTERS), {**row, **asdict(new_letter), "first_at": new_letter.at}
        )
        return
    if new_letter.at <= (stands.resolved_at or stands.at):  # known, or settled since
        return
    told = {name: value for name, value in asdict(new_letter).items() if name not in key}
    if stands.status == DeadLetterStatus.DROPPED:
        return
    told |= {"status": DeadLetterStatus.OPEN, "resolved_by": None, "resolved_at": None}
    connection.execute(update(_LETTERS).where(columns.id == stands.id).values(told))


def _open(engine: Engine, letter_id: str) -> DeadLetterView:
    found = read_letter(engine, letter_id)
    if found.status != DeadLetterStatus.OPEN:
        raise _settled(found)
    return found


def _resolve(
    engine: Engine, letter_id: str, status: str, by: str, note: str | None
) -> DeadLetterView:
    values = {"status": status, "resolved_by": by, "resolved_at": now(), "note": note}
    with transaction(engine) as connection:
        one = update(_LETTERS).filter_by(id=letter_id, status=DeadLetterStatus.OPEN).values(values)
        done = connection.execute(one).rowcount
    if not done:
        raise _settled(read_letter(engine, letter_id))  # by somebody else meanwhile
    return read_letter(engine, letter_id)


def _settled(found: DeadLetterView) -> Refused:
    message = f"死信 {found.id} 已处理（{found.status}）。"
    return Refused("dead_letter_settled", message)


def _on_record(engine: Engine, found: DeadLetterView) -> bytes | None:
    query = select(_OUTBOX.c.body).where(_OUTBOX.c.subject == found.subject)
    if found.case_id is not None:
        query = query.where(_OUTBOX.c.case_id == found.case_id)
    with reading(engine) as connection:
        body: str | None = connection.scalar(query)
    return None if body is None else body.encode()


async def _on_stream(js: JetStreamContext | None, found: DeadLetterView) -> bytes:
    gone = Refused("event_gone", f"记录与事件流中都没有 {found.subject}。")
    if js is None:
        raise gone
    try:
        return (await js.get_last_msg(EVENTS, found.subject)).data or b""
    except NotFoundError as error:
        raise gone from error


def _letter(row: RowMapping) -> DeadLetterView:
    return DeadLetterView.model_validate({**row, "why": row["reason"]})
