"""Who was not reminded, and why: reminders that were due and reached nobody, or not everybody."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select

from models import tables
from models.cases.actions.names import Action, EventName
from models.cases.outlook import CaseDates, outlook
from models.cases.states import AT_WORK
from models.ids import event_id
from models.notifications.delivery import DeliveryStatus
from models.store.engine import reading
from models.stream.names import Durable
from services.cases.rows import CASES_WITH_DATES
from services.notifications.reminders import OVERTAKABLE, why_overtaken
from services.seasons.cache import SeasonCache

GRACE = timedelta(minutes=5)
"""How late a reminder may be before it counts as missing."""

_case, _line, _message = tables.case_record.c, tables.transition.c, tables.inbox_message.c
_EVENTS = {
    Action.REMIND: EventName.DEADLINE_APPROACHING,
    Action.EXPIRE: EventName.DEADLINE_PASSED,
}


class Why(StrEnum):
    """Why somebody was not reminded."""

    NO_CHANNEL = "no_channel"
    FAILED = "failed"
    WAITING = "waiting"
    NOT_PUBLISHED = "not_published"
    DEAD_LETTER = "dead_letter"
    NOT_NOTIFIED = "not_notified"
    YEAR_MISSING = "year_missing"
    WORKFLOW_MISSING = "workflow_missing"
    LATE = "late"


class Unreached(BaseModel):
    """A reminder that did not reach somebody.

    Attributes:
        at: When it was due, or written to an inbox where nobody read it.
        user: Who; None: nobody at all was notified.
        event_id: The reminder; None: it was never sent.
        delivery: What `delivery retry` takes; None: there is no delivery.
        note: The error, or why it could not be planned.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    case_id: str
    number: str | None
    title: str
    deadline: datetime | None
    user: str | None = None
    why: Why
    note: str | None = None
    event_id: str | None = None
    delivery: str | None = None


def list_unreached(
    engine: Engine,
    season_id: str,
    since: datetime,
    now: datetime,
    running: Collection[str] | None = None,
) -> list[Unreached]:
    """Return the reminders of a season that reached nobody, or not everybody, the oldest first.

    Args:
        engine: The record.
        season_id: The season.
        since: Reminders that were sent before are not looked at.
        now: This instant.
        running: The cases whose workflow runs; None: nobody asked Temporal.

    Raises:
        Refused: `unknown_season`.
    """
    with reading(engine) as connection:
        found = [
            *_never_sent(connection, season_id, now, running),
            *_told_nobody(connection, season_id, since, now),
            *_not_delivered(connection, season_id, since),
        ]
    return sorted(found, key=lambda each: each.at)


def _never_sent(
    connection: Connection, season_id: str, now: datetime, running: Collection[str] | None
) -> Iterator[Unreached]:
    """Yield open cases whose reminders cannot be planned, or were due and did not come."""
    cache = SeasonCache()
    programme, working_days = cache.programme(connection, season_id), cache.working_days(connection)
    reminds = _line.action.in_([*_EVENTS])
    planned = _newest(connection, season_id, ~reminds)  # what others do plans reminders anew
    reminded = _newest(connection, season_id, reminds)
    of_season = _case.season_id == season_id, _case.state.in_(AT_WORK)
    for case in connection.execute(CASES_WITH_DATES.where(*of_season)).mappings():
        since = planned.get(case["id"], case["since"])
        agenda = outlook(case, CaseDates.of(case), programme, working_days, since).agenda
        known = {name: case[name] for name in ("number", "title", "deadline")}
        due = [item.at for item in agenda.items if item.at < now - GRACE]
        if due and reminded.get(case["id"], since) < max(due):
            gone = running is not None and case["id"] not in running
            why = Why.WORKFLOW_MISSING if gone else Why.LATE
            yield Unreached(at=max(due), case_id=case["id"], why=why, **known)
        elif agenda.blocked_by is not None:
            note = agenda.blocked_by
            yield Unreached(at=now, case_id=case["id"], why=Why.YEAR_MISSING, note=note, **known)


def _newest(
    connection: Connection, season_id: str, which: ColumnElement[bool]
) -> dict[str, datetime]:
    """Return the instant of the newest of some lines of each case."""
    query = (
        select(_line.case_id, func.max(_line.at, type_=_line.at.type))
        .join_from(tables.transition, tables.case_record)
        .where(_case.season_id == season_id, which)
        .group_by(_line.case_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _told_nobody(
    connection: Connection, season_id: str, since: datetime, now: datetime
) -> Iterator[Unreached]:
    """Yield reminders on record of which no inbox holds a message."""
    query = _without_message().where(
        _case.season_id == season_id, _line.at >= since, _line.at < now - GRACE
    )
    for row in connection.execute(query).all():
        key = event_id(row.case_id, row.seq)
        if why_overtaken(connection, _EVENTS[Action(row.action)], key) is not None:
            continue
        why, note = Why.NOT_NOTIFIED, None
        if row.published_at is None:
            why, note = Why.NOT_PUBLISHED, row.last_error
        elif row.given_up is not None:
            why, note = Why.DEAD_LETTER, row.given_up
        yield Unreached(
            at=row.at, case_id=row.case_id, number=row.number, title=row.title,
            deadline=row.deadline, why=why, note=note, event_id=key,
        )  # fmt: skip


def _without_message() -> Select[Any]:
    """Return the query of reminders of which no inbox holds a message."""
    outbox, letter = tables.outbox.c, tables.dead_letter.c
    event = outbox.case_id + ":" + outbox.seq.cast(_message.event_id.type)
    given_up = select(letter.reason).where(
        letter.event_id == event, letter.consumer == Durable.NOTIFY, letter.status == "open"
    )
    return (
        select(
            _line.case_id, _line.seq, _line.at, _line.action, outbox.published_at,
            outbox.last_error, given_up.limit(1).scalar_subquery().label("given_up"),
            _case.number, _case.title, _case.deadline,
        )
        .join_from(tables.transition, tables.case_record)
        .join(tables.outbox, (outbox.case_id == _line.case_id) & (outbox.seq == _line.seq))
        .where(
            _line.action.in_([*_EVENTS]),
            ~select(_message.id).where(_message.event_id == event).exists(),
        )
    )  # fmt: skip


def _messages_with_deliveries() -> Select[Any]:
    """Return the query of unread reminders in inboxes, with each of their deliveries."""
    sent = tables.delivery.c
    return (
        select(
            _message.id, _message.at, _message.recipient, _message.event_id, sent.status,
            sent.last_error, sent.id.label("delivery"), _case.id.label("case_id"),
            _case.number, _case.title, _case.deadline,
        )
        .join_from(tables.inbox_message, tables.case_record)
        .join(tables.delivery, sent.message_id == _message.id, isouter=True)
        .where(_message.event.in_(OVERTAKABLE), _message.read_at.is_(None))
        .order_by(_message.id, sent.id)
    )  # fmt: skip


def _not_delivered(connection: Connection, season_id: str, since: datetime) -> Iterator[Unreached]:
    """Yield unread messages that no channel brought, or that no channel was to bring."""
    query = _messages_with_deliveries().where(_case.season_id == season_id, _message.at >= since)
    rows_of: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        rows_of.setdefault(row.id, []).append(row)
    for rows in rows_of.values():
        states = {row.status for row in rows}
        if states & {DeliveryStatus.SENT, DeliveryStatus.DROPPED}:
            continue
        row, why = rows[0], Why.NO_CHANNEL
        if DeliveryStatus.WAITING in states:
            why = Why.WAITING
        elif DeliveryStatus.FAILED in states:
            why = Why.FAILED
        yield Unreached(
            at=row.at, case_id=row.case_id, number=row.number, title=row.title,
            deadline=row.deadline, user=row.recipient, why=why, note=row.last_error,
            event_id=row.event_id, delivery=row.delivery,
        )  # fmt: skip
