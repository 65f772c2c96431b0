"""What the record tells of, kind by kind, each as lines of one time line."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Row, Select, func, select

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor
from models.ids import event_id

REMINDING = (Action.REMIND, Action.EXPIRE)
"""What the clock does without a change of state: a deadline approaches, a deadline passed."""


class Kind(StrEnum):
    """What a line tells of."""

    SEASON = "season"
    TRANSITION = "transition"
    REMINDER = "reminder"
    DELIVERY = "delivery"
    WEBHOOK = "webhook"
    DEAD_LETTER = "dead_letter"
    RECONCILE = "reconcile"


class HappenedLine(BaseModel):
    """Something that happened.

    Attributes:
        at: When; of a message that did not leave, when it was written.
        case_id, event_id: Of what; None: of none.
        what: An action, a milestone, a channel or the name of an event, by its kind.
        to: The state of the case afterwards.
        status: What became of a delivery, a dead letter, a comparison.
        who: Who did it, got it or gave it up.
        note: What an endpoint answered, an error, the counts of a comparison.
        id: Of the row: a delivery, a dead letter, a webhook, a run.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    kind: Kind
    case_id: str | None = None
    event_id: str | None = None
    what: str
    to: str | None = None
    status: str | None = None
    who: str | None = None
    note: str | None = None
    id: str


class Source(NamedTuple):
    """One kind of lines.

    Attributes:
        query: All rows.
        at: When each happened.
        key: What tells rows of one instant apart: one text, or a text and a number.
        case_id: The case of each; None: they are of no case.
        line: A row as a line.
    """

    query: Select[Any]
    at: ColumnElement[datetime]
    key: tuple[ColumnElement[Any], ...]
    case_id: ColumnElement[Any] | None
    line: Callable[[Row[Any]], HappenedLine]


def _steps(kind: Kind) -> Source:
    steps = tables.transition.c
    reminds = steps.action.in_(REMINDING)
    query = select(
        steps.case_id, steps.seq, steps.at, steps.action, steps.target, steps.actor_role,
        steps.actor_id,
    ).where(reminds if kind is Kind.REMINDER else ~reminds)  # fmt: skip

    def line(row: Row[Any]) -> HappenedLine:
        event = event_id(row.case_id, row.seq)
        who = str(Actor(role=row.actor_role, id=row.actor_id))
        return HappenedLine(
            at=row.at, kind=kind, case_id=row.case_id, event_id=event, what=row.action,
            to=row.target, who=who, id=event,
        )  # fmt: skip

    return Source(query, steps.at, (steps.case_id, steps.seq), steps.case_id, line)


def _season() -> Source:
    changes = tables.season_change.c

    def line(row: Row[Any]) -> HappenedLine:
        note = " ".join(filter(None, [row.season_id, row.body_id]))
        return HappenedLine(
            at=row.at, kind=Kind.SEASON, what=row.milestone, who=row.actor, note=note, id=row.id
        )

    return Source(select(tables.season_change), changes.at, (changes.id,), None, line)


def _deliveries() -> Source:
    sent, message = tables.delivery.c, tables.inbox_message.c
    at = func.coalesce(sent.sent_at, message.at, type_=message.at.type)
    query = select(
        at.label("at"), sent.id, sent.channel, sent.status, sent.last_error, message.case_id,
        message.event_id, message.recipient,
    ).join_from(tables.delivery, tables.inbox_message)  # fmt: skip

    def line(row: Row[Any]) -> HappenedLine:
        return HappenedLine(
            at=row.at, kind=Kind.DELIVERY, case_id=row.case_id, event_id=row.event_id,
            what=row.channel, status=row.status, who=row.recipient, note=row.last_error, id=row.id,
        )  # fmt: skip

    return Source(query, at, (sent.id,), message.case_id, line)


def _webhooks() -> Source:
    sent, attempt = tables.webhook_delivery.c, tables.webhook_attempt.c
    query = select(
        attempt.at, attempt.delivery_id, attempt.n, attempt.status_code, attempt.error,
        sent.case_id, sent.event_id, sent.event, sent.endpoint_id,
    ).join_from(tables.webhook_attempt, tables.webhook_delivery)  # fmt: skip

    def line(row: Row[Any]) -> HappenedLine:
        answer = [None if row.status_code is None else f"HTTP {row.status_code}", row.error]
        return HappenedLine(
            at=row.at, kind=Kind.WEBHOOK, case_id=row.case_id, event_id=row.event_id,
            what=row.event, who=row.endpoint_id, note=" ".join(filter(None, answer)),
            id=row.delivery_id,
        )  # fmt: skip

    return Source(query, attempt.at, (attempt.delivery_id, attempt.n), sent.case_id, line)


def _dead_letters() -> Source:
    letters = tables.dead_letter.c

    def line(row: Row[Any]) -> HappenedLine:
        return HappenedLine(
            at=row.at, kind=Kind.DEAD_LETTER, case_id=row.case_id, event_id=row.event_id,
            what=row.subject, status=row.status, who=row.consumer, note=row.reason, id=row.id,
        )  # fmt: skip

    return Source(select(tables.dead_letter), letters.at, (letters.id,), letters.case_id, line)


def _runs() -> Source:
    runs = tables.reconcile_run.c

    def line(row: Row[Any]) -> HappenedLine:
        note = f"案例 {row.cases}，不一致 {row.differences}，未修复 {row.unrepaired}"
        status = "open" if row.finished_at is None else None
        return HappenedLine(
            at=row.started_at, kind=Kind.RECONCILE, what="reconcile", status=status, note=note,
            id=row.id,
        )  # fmt: skip

    return Source(select(tables.reconcile_run), runs.started_at, (runs.id,), None, line)


SOURCES = {
    Kind.SEASON: _season(),
    Kind.TRANSITION: _steps(Kind.TRANSITION),
    Kind.REMINDER: _steps(Kind.REMINDER),
    Kind.DELIVERY: _deliveries(),
    Kind.WEBHOOK: _webhooks(),
    Kind.DEAD_LETTER: _dead_letters(),
    Kind.RECONCILE: _runs(),
}
"""In this order where several happened at one instant."""
