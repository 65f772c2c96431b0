"""Read cases: one, a page of many, how many, the history of one."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, RowMapping, bindparam, func, select, tuple_

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor
from models.cases.columns import Columns
from models.cases.states import AT_WORK, State
from models.ids import DEMO_PREFIX, Place, parse_place
from models.refusals import Refused, bad_cursor
from models.store.engine import reading
from models.tables import CaseRecord, Transition, table_of
from services.cases.rows import read_case
from services.cases.views import CaseCount, CaseHistory, CaseList, CaseView, HistoryLine

CASE_RECORD = table_of(CaseRecord)
TRANSITION = table_of(Transition)

MOST_AT_ONCE = 200

_MOVES = (
    (tables.outbox.c.case_id == TRANSITION.c.case_id)
    & (tables.outbox.c.seq == TRANSITION.c.seq)
    & (TRANSITION.c.action == Action.MOVE_DEADLINE)
)
_HISTORY = (
    select(*TRANSITION.c, tables.outbox.c.body)
    .outerjoin(tables.outbox, _MOVES)
    .where(TRANSITION.c.case_id == bindparam("case_id"))
    .order_by(TRANSITION.c.seq)
)
"""The lines of a case; what a moved deadline was before stands in its event alone."""


def show(engine: Engine, case_id: str) -> CaseView:
    """Return one case.

    Raises:
        Refused: There is none of this id.
    """
    with reading(engine) as connection:
        return CaseView.of(read_case(connection, case_id))


def position(engine: Engine, case_id: str) -> tuple[State, int]:
    """Return a case's state and seq on record."""
    query = select(CASE_RECORD.c.state, CASE_RECORD.c.seq).where(CASE_RECORD.c.id == case_id)
    with reading(engine) as connection:
        found = connection.execute(query).one_or_none()
    if found is None:
        raise Refused("unknown_case", f"没有案例 {case_id}。")
    return State(found.state), found.seq


@dataclass(frozen=True)
class CaseFilter:
    """Which cases to list; None does not filter.

    Attributes:
        season, body, category: Only of this one.
        title: Only with this in their title, whatever its case.
        states: Only in one of these.
        overdue_at: Only those whose deadline had passed at this instant.
        waiting: Only those that await something, the one that waits longest first.
        due_before, due_after: Only those whose deadline lies in between, the end included,
            the soonest first.
        demos: Also those of demonstration seasons; a season that is named is listed anyway.
        limit: At most so many, 200 at the most.
        cursor: `next_cursor` of the page before.
    """

    season: str | None = None
    body: str | None = None
    category: str | None = None
    title: str | None = None
    states: tuple[State, ...] = ()
    overdue_at: datetime | None = None
    waiting: bool = False
    due_before: datetime | None = None
    due_after: datetime | None = None
    demos: bool = False
    limit: int = 50
    cursor: str | None = None


def list_cases(engine: Engine, wanted: CaseFilter) -> CaseList:
    """Return a page of cases by the order in which they were filed, have waited, or are due.

    Raises:
        Refused: `bad_cursor`.
    """
    limit = max(1, min(wanted.limit, MOST_AT_ONCE))
    sorted_by, columns = _sorted_by(wanted), CASE_RECORD.c
    order = (columns.id,) if sorted_by is None else (columns[sorted_by], columns.id)
    query = select(*columns).where(*_conditions(wanted)).order_by(*order).limit(limit + 1)
    if wanted.cursor is not None:
        query = query.where(tuple_(*order) > tuple_(*_place(wanted.cursor, sorted_by)))
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    more = rows[limit - 1] if len(rows) > limit else None
    return CaseList(
        items=[CaseView.of(row) for row in rows[:limit]],
        next_cursor=None if more is None else _cursor(more, sorted_by),
    )


def _sorted_by(wanted: CaseFilter) -> str | None:
    """Return the instant by which cases are sorted; None: by their ids, as they were filed."""
    if wanted.waiting:
        return "since"
    return None if wanted.due_before is wanted.due_after is None else "deadline"


def _cursor(row: Columns, sorted_by: str | None) -> str:
    """Return a cursor with the values that sort: a case that moves on meanwhile costs no other."""
    return str(row["id"] if sorted_by is None else Place(row[sorted_by], row["id"]))


def _place(cursor: str, sorted_by: str | None) -> tuple[object, ...]:
    if sorted_by is None:
        return (cursor,)
    try:
        return parse_place(cursor)
    except ValueError as error:
        raise bad_cursor() from error


def count_cases(engine: Engine, wanted: CaseFilter) -> list[CaseCount]:
    """Return how many cases stand in each state, without the states that have none."""
    state = CASE_RECORD.c.state
    query = select(state, func.count()).where(*_conditions(wanted)).group_by(state)
    with reading(engine) as connection:
        counts = {State(row[0]): row[1] for row in connection.execute(query)}
    return [CaseCount.of(state, counts[state]) for state in State if state in counts]


def _conditions(wanted: CaseFilter) -> list[ColumnElement[bool]]:
    columns = CASE_RECORD.c
    equal = {"season_id": wanted.season, "body_id": wanted.body, "category": wanted.category}
    found = [columns[name] == value for name, value in equal.items() if value is not None]
    if wanted.season is None and not wanted.demos:
        found.append(columns.season_id.not_like(f"{DEMO_PREFIX}%"))
    if wanted.title is not None:
        found.append(columns.title.icontains(wanted.title, autoescape=True))
    if wanted.states:
        found.append(columns.state.in_(wanted.states))
    if wanted.overdue_at is not None:
        found.append(columns.deadline <= wanted.overdue_at)
    if wanted.due_before is not None:
        found.append(columns.deadline <= wanted.due_before)
    if wanted.due_after is not None:
        found.append(columns.deadline > wanted.due_after)
    if wanted.waiting:
        found.append(columns.state.in_(AT_WORK))
    return found


def history(engine: Engine, case_id: str) -> CaseHistory:
    """Return every line of a case's history.

    Raises:
        Refused: There is no such case.
    """
    with reading(engine) as connection:
        if connection.scalar(select(CASE_RECORD.c.id).where(CASE_RECORD.c.id == case_id)) is None:
            raise Refused("unknown_case", f"没有案例 {case_id}。")
        rows = connection.execute(_HISTORY, {"case_id": case_id}).mappings().all()
    return CaseHistory(items=[_line(row) for row in rows])


def _line(row: RowMapping) -> HistoryLine:
    return HistoryLine.model_validate(
        {
            **row,
            **_moved(row["body"]),
            "from": row["source"],
            "to": row["target"],
            "actor": str(Actor(role=row["actor_role"], id=row["actor_id"])),
        }
    )


def _moved(body: str | None) -> dict[str, Any]:
    """Return the old and the new deadline that the event of a line tells of."""
    said = {} if body is None else json.loads(body)["data"]
    return {name: said.get(name) for name in ("deadline_before", "deadline")}
