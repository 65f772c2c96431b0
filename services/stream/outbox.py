"""The outbox as the relay sees it: what waits, what went out, and who may drain it."""

import os
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Engine, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from models.store.engine import reading, transaction
from models.tables import Lease, Outbox, table_of

_OUTBOX, _LEASES = table_of(Outbox), table_of(Lease)


@dataclass(frozen=True)
class Waiting:
    """A row that is not published yet."""

    id: int
    case_id: str
    seq: int
    subject: str
    body: str


def read_waiting(engine: Engine, limit: int, without: Collection[str] = ()) -> list[Waiting]:
    """Return the oldest rows that wait, each case's in the order of its seq.

    Ids of one case ascend with its seq, since each commit holds the case's lock. Nothing
    is inferred from ids of different cases: PostgreSQL commits them out of order.

    Args:
        engine: The record.
        limit: At most so many.
        without: Cases to leave alone.
    """
    columns = _OUTBOX.c
    query = (
        select(columns.id, columns.case_id, columns.seq, columns.subject, columns.body)
        .where(columns.published_at.is_(None))
        .order_by(columns.id)
        .limit(limit)
    )
    if without:
        query = query.where(columns.case_id.not_in(without))
    with reading(engine) as connection:
        return [Waiting(*row) for row in connection.execute(query)]


def settle(
    engine: Engine, published: Mapping[int, int], failed: Mapping[int, str], at: datetime
) -> None:
    """Put on record what became of a batch, in one transaction.

    Args:
        engine: The record.
        published: Row id → its place in the stream.
        failed: Row id → why it cannot be published.
        at: This instant.
    """
    row_id: BindParameter[int] = bindparam("row_id")
    with transaction(engine) as connection:
        if published:
            connection.execute(
                update(_OUTBOX)
                .where(_OUTBOX.c.id == row_id)
                .values(published_at=at, stream_seq=bindparam("place"), last_error=None),
                [{"row_id": row, "place": place} for row, place in published.items()],
            )
        if failed:
            connection.execute(
                update(_OUTBOX)
                .where(_OUTBOX.c.id == row_id)
                .values(attempts=_OUTBOX.c.attempts + 1, last_error=bindparam("why")),
                [{"row_id": row, "why": why} for row, why in failed.items()],
            )


def this_process() -> str:
    """Return a name for a holder of leases that tells whether the holder still lives."""
    return f"{socket.gethostname()}:{os.getpid()}"


def take_lease(engine: Engine, name: str, holder: str, now: datetime, seconds: float) -> bool:
    """Take or renew a lease; tell whether it is held now.

    A lease falls free when it expires, or at once when its holder died on this machine.
    """
    lease = {"holder": holder, "expires_at": now + timedelta(seconds=seconds)}
    try:
        with transaction(engine) as connection:
            stands = connection.execute(
                select(_LEASES.c.holder, _LEASES.c.expires_at)
                .where(_LEASES.c.name == name)
                .with_for_update()
            ).one_or_none()
            if stands is None:
                connection.execute(insert(_LEASES), {"name": name, **lease})
            elif stands.holder == holder or stands.expires_at <= now or _died(stands.holder):
                connection.execute(update(_LEASES).where(_LEASES.c.name == name).values(**lease))
            else:
                return False
    except IntegrityError:  # another was first
        return False
    return True


def give_up_lease(engine: Engine, name: str, holder: str) -> None:
    """Let the next one in at once."""
    with transaction(engine) as connection:
        connection.execute(
            delete(_LEASES).where(_LEASES.c.name == name, _LEASES.c.holder == holder)
        )


def _died(holder: str) -> bool:
    host, _, process = holder.rpartition(":")
    if host != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
