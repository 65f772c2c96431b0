"""Cases as the record has them, to be compared with the other stores."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from models import tables
from models.cases.states import FINAL, State
from models.store.engine import reading
from services.stream.losses import read_published


@dataclass(frozen=True)
class RecordedCase:
    """A case as the record has it.

    Attributes:
        seq: Its newest line of history.
        published: The seqs of its events that were published.
    """

    id: str
    state: State
    seq: int
    published: frozenset[int]


def read_cases(engine: Engine, since: datetime | None = None) -> list[RecordedCase]:
    """Return every case, or those that changed at `since` or later."""
    # Events first: what is published meanwhile belongs to a step that is read afterwards.
    published = read_published(engine)
    cases = tables.case_record.c
    query = select(cases.id, cases.state, cases.seq).order_by(cases.id)
    if since is not None:
        query = query.where(cases.updated_at >= since)
    with reading(engine) as connection:
        return [
            RecordedCase(row.id, State(row.state), row.seq, frozenset(published.get(row.id, ())))
            for row in connection.execute(query)
        ]


def read_open_cases(engine: Engine) -> dict[str, int]:
    """Return every case that may still take a step, with its newest line of history."""
    cases = tables.case_record.c
    query = select(cases.id, cases.seq).where(cases.state.not_in([*FINAL])).order_by(cases.id)
    with reading(engine) as connection:
        return {row.id: row.seq for row in connection.execute(query)}
