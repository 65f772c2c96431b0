"""The outbox as the relay reads it: what waits, and what became of each event."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, Engine, RowMapping, bindparam, func, select, update

from models import tables
from models.cases.binding import BOUND, NO_LINE, misfit
from models.store.engine import reading, transaction
from models.stream.names import parse_subject

_outbox, _line = tables.outbox.c, tables.transition.c


@dataclass(frozen=True)
class UnpublishedEvent:
    """A row that is not published yet. `misfit`: what of it is not as its line of history says."""

    id: int
    case_id: str
    seq: int
    subject: str
    body: str
    misfit: str | None = None


@dataclass(frozen=True)
class OutboxCount:
    """How many events are on record, and how many of them wait for the relay."""

    total: int
    waiting: int


def read_unpublished(
    engine: Engine, limit: int, without: Collection[str] = ()
) -> list[UnpublishedEvent]:
    """Return the oldest rows that wait, each case's in the order of its seq.

    Ids of one case ascend with its seq, since each commit holds the case's lock. Nothing
    is inferred from ids of different cases: PostgreSQL commits them out of order.

    Args:
        engine: The record.
        limit: At most so many.
        without: Cases to leave alone.
    """
    query = (
        select(
            _outbox.id,
            _outbox.case_id,
            _outbox.seq,
            _outbox.subject,
            _outbox.body,
            *(_line[name] for name in BOUND),
        )
        .join(
            tables.transition,
            (_line.case_id == _outbox.case_id) & (_line.seq == _outbox.seq),
            isouter=True,
        )
        .where(_outbox.published_at.is_(None))
        .order_by(_outbox.id)
        .limit(limit)
    )
    if without:
        query = query.where(_outbox.case_id.not_in(without))
    with reading(engine) as connection:
        return [_unpublished(row) for row in connection.execute(query).mappings()]


def _unpublished(row: RowMapping) -> UnpublishedEvent:
    return UnpublishedEvent(
        row["id"], row["case_id"], row["seq"], row["subject"], row["body"],
        misfit=NO_LINE if row["hash"] is None else misfit(row, row["body"]),
    )  # fmt: skip


def record_outcomes(
    engine: Engine, published: Mapping[int, int], failed: Mapping[int, str], at: datetime
) -> None:
    """Write down what became of a batch, in one transaction.

    Args:
        engine: The record.
        published: Row id → the event's place in the stream.
        failed: Row id → why the event cannot be published.
        at: This instant.
    """
    row_id: BindParameter[int] = bindparam("row_id")
    one = update(tables.outbox).where(_outbox.id == row_id)
    with transaction(engine) as connection:
        if published:
            connection.execute(
                one.values(published_at=at, stream_seq=bindparam("place"), last_error=None),
                [{"row_id": row, "place": place} for row, place in published.items()],
            )
        if failed:
            connection.execute(
                one.values(attempts=_outbox.attempts + 1, last_error=bindparam("why")),
                [{"row_id": row, "why": why} for row, why in failed.items()],
            )


def has_event(engine: Engine, subject: str, body: bytes) -> bool:
    """Tell whether the outbox holds this very message: the same bytes under the same subject."""
    try:
        case_id = parse_subject(subject).case_id  # has an index; the seq may be any number
    except ValueError:
        return False
    query = select(_outbox.body).where(_outbox.case_id == case_id, _outbox.subject == subject)
    with reading(engine) as connection:
        return any(known.encode() == body for known in connection.scalars(query))


def count_outbox(engine: Engine) -> OutboxCount:
    """Count the events on record."""
    query = select(func.count(), func.count(_outbox.published_at)).select_from(tables.outbox)
    with reading(engine) as connection:
        total, published = connection.execute(query).one()
    return OutboxCount(total=total, waiting=total - published)
