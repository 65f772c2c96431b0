"""What tests ask of a stream and of the outbox behind it."""

from typing import NamedTuple

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from sqlalchemy import Engine, select

from models import tables
from models.cases.events import CaseEvent
from models.store.engine import reading
from models.stream.incoming import IncomingEvent
from models.stream.names import EVENTS


def incoming(body: str, place: int = 1) -> IncomingEvent:
    """The event of a text, as it comes from this place of the stream."""
    return IncomingEvent(CaseEvent.model_validate_json(body), body, place)


class OutboxRow(NamedTuple):
    """A row of the outbox; `place`: its number in the stream, None until it is marked."""

    case_id: str
    seq: int
    subject: str
    body: str
    place: int | None
    attempts: int
    last_error: str | None


def outbox(engine: Engine) -> list[OutboxRow]:
    """Every row, in the order of the commits."""
    columns = tables.outbox.c
    query = select(
        columns.case_id, columns.seq, columns.subject, columns.body, columns.stream_seq,
        columns.attempts, columns.last_error,
    ).order_by(columns.id)  # fmt: skip
    with reading(engine) as connection:
        return [OutboxRow(*row) for row in connection.execute(query)]


def waiting(engine: Engine) -> int:
    """How many rows are not marked as published."""
    return sum(row.place is None for row in outbox(engine))


async def messages(js: JetStreamContext) -> list[RawStreamMsg]:
    """Every message of the stream, in its order."""
    last = (await js.stream_info(EVENTS)).state.last_seq
    return [await js.get_msg(EVENTS, seq) for seq in range(1, last + 1)]
