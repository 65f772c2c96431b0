"""What goes of a case some time after its end: its forms, and what was written about it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, tuple_, union_all, update

from models.audit.objects import form_object, reason_object
from models.cases.states import ENDED
from models.chain import digest, digest_text
from models.tables import CaseReason, CaseRecord, CaseRevision, Transition, table_of
from services.retention.classes import Found, Holding, Removed, Scope

_CASES, _FORMS = table_of(CaseRecord).c, table_of(CaseRevision).c
_LINES, _REASONS = table_of(Transition).c, table_of(CaseReason).c


def _ended(scope: Scope) -> tuple[Any, ...]:
    return (_CASES.season_id == scope.season, _CASES.state.in_(ENDED))


def _forms(scope: Scope) -> Select[Any]:
    return (
        select(_FORMS.case_id, _FORMS.revision, _FORMS.form, _CASES.since.label("moment"))
        .join_from(CaseRevision, CaseRecord)
        .where(
            *_ended(scope),
            _CASES.since <= scope.before,
            _FORMS.saved_at <= scope.before,
            _FORMS.removed_at.is_(None),
        )
        .order_by(_FORMS.case_id, _FORMS.revision)
    )


def _empty_forms(
    connection: Connection, rows: Found, _scope: Scope, now: datetime
) -> Iterator[Removed]:
    places = [(row.case_id, row.revision) for row in rows]
    connection.execute(
        update(CaseRevision)
        .where(tuple_(_FORMS.case_id, _FORMS.revision).in_(places))
        .values(form={}, removed_at=now)
    )
    for row in rows:
        object_ = form_object(row.case_id, row.revision)
        yield Removed(object_, row.case_id, digest(row.form), 1)


def _reasons(scope: Scope) -> Select[Any]:
    written = union_all(
        select(_LINES.case_id, _LINES.reason.label("text"), _LINES.at.label("at")).where(
            _LINES.reason.is_not(None)
        ),
        select(_REASONS.case_id, _REASONS.text, _REASONS.written_at),
    ).subquery()
    text = written.c
    return (
        select(text.case_id, text.text, _CASES.since.label("moment"))
        .join_from(written, CaseRecord, _CASES.id == text.case_id)
        .where(*_ended(scope), _CASES.since <= scope.before)
        .group_by(text.case_id, text.text, _CASES.since)
        .having(func.max(text.at) <= scope.before)
        .order_by(text.case_id, text.text)
    )


def _empty_reasons(
    connection: Connection, rows: Found, _scope: Scope, _now: datetime
) -> Iterator[Removed]:
    for row in rows:
        connection.execute(
            delete(CaseReason).where(_REASONS.case_id == row.case_id, _REASONS.text == row.text)
        )
        lines = connection.scalars(
            update(Transition)
            .where(_LINES.case_id == row.case_id, _LINES.reason == row.text)
            .values(reason=None)
            .returning(_LINES.seq)
        ).all()
        # What was written with a request that was refused stands in no line.
        objects = [reason_object(row.case_id, seq) for seq in sorted(lines)]
        for object_ in objects or [f"{row.case_id}/reason"]:
            yield Removed(object_, row.case_id, digest_text(row.text), 1)


FORMS, REASONS = Holding(_forms, _empty_forms), Holding(_reasons, _empty_reasons)
