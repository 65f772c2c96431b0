"""Look at cases on record."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, select

from activities.database import reading
from activities.lines import find_update, read_case
from models.commands import Actor
from models.lifecycle import State
from models.refusals import Refused
from models.tables import CaseRecord, Transition
from services.views import CaseHistory, CaseList, CaseView, HistoryLine

MOST_AT_ONCE = 200


def show(engine: Engine, case_id: str) -> CaseView:
    """Return one case.

    Raises:
        Refused: There is none of this id.
    """
    with reading(engine) as connection:
        return CaseView.of(read_case(connection, case_id))


def position(engine: Engine, case_id: str) -> tuple[State, int]:
    """Return a case's state and seq on record."""
    view = show(engine, case_id)
    return view.state, view.seq


def find_update_digest(engine: Engine, case_id: str, update_id: str) -> str | None:
    """Return the command digest of the transition that a request made, if it made one."""
    with reading(engine) as connection:
        found = find_update(connection, case_id, update_id)
    return None if found is None else found.command_digest


def list_cases(
    engine: Engine,
    *,
    season: str | None = None,
    states: Sequence[State] = (),
    body: str | None = None,
    category: str | None = None,
    overdue_at: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> CaseList:
    """Return a page of cases in the order of their filing.

    Args:
        engine: The record.
        season: Only of this season.
        states: Only in one of these.
        body: Only of this body.
        category: Only of this category.
        overdue_at: Only those whose deadline had passed at this instant.
        limit: At most so many, 200 at the most.
        cursor: `next_cursor` of the page before.
    """
    limit = min(limit, MOST_AT_ONCE)
    table = CaseRecord.__table__  # type: ignore[attr-defined] # sqlmodel's stubs hide it
    query = select(*table.columns).order_by(table.c.id).limit(limit + 1)
    for column, value in (("season_id", season), ("body_id", body), ("category", category)):
        if value is not None:
            query = query.where(table.c[column] == value)
    if states:
        query = query.where(table.c.state.in_(states))
    if overdue_at is not None:
        query = query.where(table.c.deadline <= overdue_at)
    if cursor is not None:
        query = query.where(table.c.id > cursor)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    items = [CaseView.of(row._mapping) for row in rows[:limit]]  # noqa: SLF001 - SQLAlchemy's documented name
    return CaseList(items=items, next_cursor=items[-1].id if len(rows) > limit else None)


def history(engine: Engine, case_id: str) -> CaseHistory:
    """Return every line of a case's history.

    Raises:
        Refused: There is no such case.
    """
    table = Transition.__table__  # type: ignore[attr-defined] # as above
    with reading(engine) as connection:
        if connection.scalar(select(CaseRecord.id).where(CaseRecord.id == case_id)) is None:
            raise Refused("unknown_case", f"没有案例 {case_id}。")
        rows = connection.execute(
            select(*table.columns).where(table.c.case_id == case_id).order_by(table.c.seq)
        ).all()
    return CaseHistory(
        items=[
            HistoryLine.model_validate(
                {
                    **row._mapping,  # noqa: SLF001 - as above
                    "from": row.source,
                    "to": row.target,
                    "actor": str(Actor(role=row.actor_role, id=row.actor_id)),
                }
            )
            for row in rows
        ]
    )
