"""The rows that one transition writes: its line of history, its case, its event.

Statements are built once: building one takes SQLAlchemy longer than running it does SQLite.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, select

from models.cases.actions.registry import ACTIONS
from models.cases.commands import Command, FilingCommand
from models.cases.events import CaseEventData, case_event
from models.cases.history import transition_hash
from models.cases.messages import CommitTransitionInput, StoredTransition
from models.cases.states import AWAITED_FROM, LAPSES
from models.dates.milestones import SeasonDates
from models.refusals import Refused
from models.stream.names import event_subject
from models.tables import Body, CaseReason, CaseRecord, Season, Transition, table_of
from models.cases.outlook import CaseDates

type Columns = Mapping[str, Any]

_CASES, _BODIES, _SEASONS = table_of(CaseRecord), table_of(Body), table_of(Season)
_LINES, _REASONS = table_of(Transition), table_of(CaseReason)
CASES_WITH_DATES = (
    select(
        *_CASES.columns,
        _BODIES.c.cutoff.label("body_cutoff"),
        _SEASONS.c.milestones,
        _SEASONS.c.anchor,
        _SEASONS.c.seconds_per_day,
    )
    .join(_SEASONS, _SEASONS.c.id == _CASES.c.season_id)
    .join(_BODIES, (_BODIES.c.season_id == _CASES.c.season_id) & (_BODIES.c.id == _CASES.c.body_id))
)
"""Cases, with the dates of their bodies and seasons."""
_CASE = CASES_WITH_DATES.where(_CASES.c.id == bindparam("case_id"))
_CASE_TO_CHANGE = _CASE.with_for_update(of=_CASES)
_REASON = select(_REASONS.c.text).where(
    _REASONS.c.case_id == bindparam("case_id"), _REASONS.c.digest == bindparam("digest")
)
STORED = select(*(_LINES.c[name] for name in StoredTransition.model_fields)).where(
    _LINES.c.case_id == bindparam("case_id")
)
"""The lines of a case, as the workflow takes them."""
_OF_UPDATE = STORED.where(_LINES.c.update_id == bindparam("update_id"))


def read_case(connection: Connection, case_id: str, *, lock: bool = False) -> Columns:
    """Return a case's columns with its body's and its season's dates.

    Args:
        connection: Where to read.
        case_id: Which case.
        lock: Keep other writers of this case out until the transaction ends.

    Raises:
        Refused: There is no such case.
    """
    query = _CASE_TO_CHANGE if lock else _CASE
    found = connection.execute(query, {"case_id": case_id}).mappings().one_or_none()
    if found is None:
        raise Refused("unknown_case", f"没有案例 {case_id}。")
    return dict(found)


def season_dates(case: Columns) -> SeasonDates:
    """Return the dates of the season that a case's columns came with."""
    return SeasonDates.of(case["milestones"], case["anchor"], case["seconds_per_day"])


def stored(columns: Mapping[Any, Any]) -> StoredTransition:
    """Return a row of `transition` as the workflow takes it."""
    return StoredTransition.model_validate(
        {name: columns[name] for name in StoredTransition.model_fields}
    )


def find_update(connection: Connection, case_id: str, update_id: str) -> StoredTransition | None:
    """Return the transition that an update made, if it made one."""
    rows = connection.execute(_OF_UPDATE, {"case_id": case_id, "update_id": update_id})
    found = rows.mappings().one_or_none()
    return None if found is None else stored(found)


def history_line(
    connection: Connection, case: Columns, wanted: CommitTransitionInput, command: Command
) -> dict[str, Any]:
    """Return the row of `transition` that puts `wanted` behind the case's newest line."""
    line: dict[str, Any] = {
        "case_id": wanted.case_id,
        "seq": wanted.seq,
        "update_id": wanted.update_id,
        "action": wanted.action,
        "source": wanted.source,
        "target": wanted.target,
        "actor_role": command.actor.role,
        "actor_id": command.actor.id,
        "at": wanted.at,
        "reason": _reason(connection, wanted.case_id, command.reason),
        "command": dict(wanted.command),
        "command_digest": command.digest,
        "content_digest": _content(case, command),
        "previous_hash": case["head_hash"],
    }
    return {**line, "hash": transition_hash(line)}


def _reason(connection: Connection, case_id: str, digest: str | None) -> str | None:
    if digest is None:
        return None
    text: str = connection.scalars(_REASON, {"case_id": case_id, "digest": digest}).one()
    return text


def _content(case: Columns, command: Command) -> str | None:
    if isinstance(command, FilingCommand):
        return command.content
    content: str | None = case["content_digest"]
    return content


CHANGING = (
    "state", "seq", "head_hash", "since", "due", "extended_cutoff", "deadline", "overdue",
    "return_rounds", "frozen_revision", "content_digest", "updated_at",
)  # fmt: skip
"""The columns of `case_record` that a transition may change."""


def case_changes(
    case: Columns, wanted: CommitTransitionInput, command: Command, head_hash: str
) -> dict[str, Any]:
    """Return the columns of the case that `wanted` changes."""
    changes: dict[str, Any] = {
        "seq": wanted.seq,
        "head_hash": head_hash,
        "updated_at": wanted.at,
    }
    if not ACTIONS[wanted.action].is_note:
        changes |= {"state": wanted.target, "since": wanted.at, "due": None, "overdue": False}
    changes |= ACTIONS[wanted.action].changes(case, command)
    after = {**case, **changes}
    horizon = CaseDates(after, season_dates(case))
    deadline = horizon.deadline(wanted.target, after["due"])
    if not ACTIONS[wanted.action].is_note and wanted.target not in LAPSES:
        # Whoever takes a case over late knows it; the passing itself is told only once.
        changes["overdue"] = deadline is not None and deadline <= wanted.at
    return {**changes, "deadline": deadline}


def outbox_line(
    case: Columns, after: Columns, wanted: CommitTransitionInput, command: Command, record_hash: str
) -> dict[str, Any]:
    """Return the row of `outbox` that announces `wanted`."""
    data = CaseEventData.model_validate(
        {
            "case_id": wanted.case_id,
            "seq": wanted.seq,
            "action": wanted.action,
            "from": wanted.source,
            "to": wanted.target,
            "actor_role": command.actor.role,
            "season": case["season_id"],
            "body": case["body_id"],
            "unit": case["unit_id"],
            "category": case["category"],
            "title": case["title"],
            "deadline": after["deadline"],
            "awaited": AWAITED_FROM.get(wanted.target),
            "record_hash": record_hash,
            **ACTIONS[wanted.action].event_data(case, command),
        }
    )
    event = case_event(data, wanted.at)
    return {
        "case_id": wanted.case_id,
        "seq": wanted.seq,
        "subject": event_subject(event.name, wanted.case_id, wanted.seq),
        "body": event.to_json(),
        "created_at": wanted.at,
    }
