"""The rows of a case in SQL: read one, read lines of history, write a transition's three rows.

Statements are built once: building one takes SQLAlchemy longer than running it does SQLite.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from models import tables
from models.cases.changes import CHANGING, Change
from models.cases.columns import Columns
from models.cases.messages import RECENT, StoredTransition
from models.refusals import Refused
from models.stream.names import event_subject

_CASES, _LINES, _REVISIONS = tables.case_record, tables.transition, tables.case_revision
CASES_WITH_DATES = (
    select(
        *_CASES.columns,
        tables.body.c.cutoff.label("body_cutoff"),
        tables.season.c.milestones,
        tables.season.c.anchor,
        tables.season.c.seconds_per_day,
    )
    .join(tables.season, tables.season.c.id == _CASES.c.season_id)
    .join(
        tables.body,
        (tables.body.c.season_id == _CASES.c.season_id) & (tables.body.c.id == _CASES.c.body_id),
    )
)
"""Cases, with the dates of their bodies and seasons."""

_CASE = CASES_WITH_DATES.where(_CASES.c.id == bindparam("case_id"))
_NEWEST_FORM = (
    _CASE.add_columns(_REVISIONS.c.form, _REVISIONS.c.digest.label("form_digest"))
    .join(
        _REVISIONS,
        (_REVISIONS.c.case_id == _CASES.c.id) & (_REVISIONS.c.revision == _CASES.c.revision),
    )
)  # fmt: skip
_READ = {
    (form, lock): query.with_for_update(of=_CASES) if lock else query
    for form, query in ((False, _CASE), (True, _NEWEST_FORM))
    for lock in (False, True)
}
_REASON = select(tables.case_reason.c.text).where(
    tables.case_reason.c.case_id == bindparam("case_id"),
    tables.case_reason.c.digest == bindparam("digest"),
)
_STORED = select(*(_LINES.c[name] for name in StoredTransition.model_fields)).where(
    _LINES.c.case_id == bindparam("case_id")
)
_OF_UPDATE = _STORED.where(_LINES.c.update_id == bindparam("update_id"))
_RECENT = _STORED.order_by(_LINES.c.seq.desc()).limit(RECENT)
_FROM_SEQ_OR_OF_UPDATE = _STORED.where(
    or_(_LINES.c.seq >= bindparam("seq"), _LINES.c.update_id == bindparam("update_id"))
).order_by(_LINES.c.seq)
_MOVE_CASE = (
    update(_CASES)
    .where(_CASES.c.id == bindparam("case_id"), _CASES.c.seq == bindparam("seq_before"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING})
)
_ADD_LINE, _ADD_EVENT = insert(_LINES), insert(tables.outbox)


def read_case(
    connection: Connection, case_id: str, *, lock: bool = False, form: bool = False
) -> Columns:
    """Return a case's columns with its body's and its season's dates.

    Args:
        connection: Where to read.
        case_id: Which case.
        lock: Keep other writers of this case out until the transaction ends.
        form: With its newest form, as `form` and `form_digest`.

    Raises:
        Refused: `unknown_case`.
    """
    found = connection.execute(_READ[form, lock], {"case_id": case_id}).mappings().one_or_none()
    if found is None:
        raise Refused("unknown_case", f"没有案例 {case_id}。")
    return dict(found)


def read_reason(connection: Connection, case_id: str, digest: str | None) -> str | None:
    """Return the text that a command names by its digest; None for none."""
    if digest is None:
        return None
    text: str = connection.scalars(_REASON, {"case_id": case_id, "digest": digest}).one()
    return text


def find_update(connection: Connection, case_id: str, update_id: str) -> StoredTransition | None:
    """Return the transition that an update made, if it made one."""
    rows = connection.execute(_OF_UPDATE, {"case_id": case_id, "update_id": update_id})
    found = rows.mappings().one_or_none()
    return None if found is None else _stored(found)


def recent_lines(connection: Connection, case_id: str) -> tuple[StoredTransition, ...]:
    """Return the newest lines of a case's history, as many as operations are shown, in order."""
    rows = connection.execute(_RECENT, {"case_id": case_id}).mappings()
    return tuple(_stored(row) for row in reversed(rows.all()))


def lines_from(
    connection: Connection, case_id: str, seq: int, update_id: str
) -> list[StoredTransition]:
    """Return the lines from `seq` on, and the line of an update wherever it is, in order."""
    asked = {"case_id": case_id, "seq": seq, "update_id": update_id}
    rows = connection.execute(_FROM_SEQ_OR_OF_UPDATE, asked).mappings()
    return [_stored(row) for row in rows]


def write_change(connection: Connection, change: Change) -> StoredTransition:
    """Write a line of history, the case's row and the event to publish; return the line.

    Raises:
        IntegrityError: Another writer took the place in the history.
    """
    line, event = change.line, change.event
    connection.execute(_ADD_LINE, line)
    changed = connection.execute(
        _MOVE_CASE,
        {"case_id": line["case_id"], "seq_before": line["seq"] - 1}
        | {f"new_{name}": change.case[name] for name in CHANGING},
    )
    if changed.rowcount != 1:
        message = f"{line['case_id']}: seq {line['seq']} was taken under our lock"
        raise RuntimeError(message)
    connection.execute(
        _ADD_EVENT,
        {
            "case_id": line["case_id"],
            "seq": line["seq"],
            "subject": event_subject(event.name, line["case_id"], line["seq"]),
            "body": event.to_json(),
            "created_at": line["at"],
        },
    )
    return _stored(line)


def _stored(columns: Mapping[Any, Any]) -> StoredTransition:
    return StoredTransition.model_validate(
        {name: columns[name] for name in StoredTransition.model_fields}
    )
