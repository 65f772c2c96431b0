"""Remove the forms of cases that ended, and the texts that people wrote about them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, select, union_all, update
from sqlalchemy.sql.elements import ColumnElement

from models import tables
from models.audit.objects import form_object, reason_object
from models.cases.states import ENDED
from models.chain import digest, digest_text
from models.store.keys import has_key
from services.retention.classes import ExpiringClass, Found, Removal, Scope


def _ended(scope: Scope) -> ColumnElement[bool]:
    cases = tables.case_record.c
    return and_(
        cases.season_id == scope.season, cases.state.in_(ENDED), cases.since <= scope.before
    )


def _due_forms(scope: Scope) -> Select[Any]:
    forms, cases = tables.case_revision.c, tables.case_record.c
    return (
        select(forms.case_id, forms.revision, forms.form, cases.since.label("moment"))
        .join_from(tables.case_revision, tables.case_record)
        .where(_ended(scope), forms.saved_at <= scope.before, forms.removed_at.is_(None))
        .order_by(forms.case_id, forms.revision)
    )


def _empty_forms(
    connection: Connection, rows: Found, _scope: Scope, now: datetime
) -> Iterator[Removal]:
    forms = tables.case_revision
    keys = [(row.case_id, row.revision) for row in rows]
    emptied = update(forms).where(has_key(forms.c.case_id, forms.c.revision, keys))
    connection.execute(emptied.values(form={}, removed_at=now))
    for row in rows:
        what = form_object(row.case_id, row.revision)
        yield Removal(what, row.case_id, digest(row.form), 1)


def _due_reasons(scope: Scope) -> Select[Any]:
    """A text may be in lines of history and beside them; it expires when its last use does."""
    lines, reasons, cases = tables.transition.c, tables.case_reason.c, tables.case_record.c
    written = union_all(
        select(lines.case_id, lines.reason.label("text"), lines.at.label("at")).where(
            lines.reason.is_not(None)
        ),
        select(reasons.case_id, reasons.text, reasons.written_at),
    ).subquery()
    texts = written.c
    return (
        select(texts.case_id, texts.text, cases.since.label("moment"))
        .join_from(written, tables.case_record, cases.id == texts.case_id)
        .where(_ended(scope))
        .group_by(texts.case_id, texts.text, cases.since)
        .having(func.max(texts.at) <= scope.before)
        .order_by(texts.case_id, texts.text)
    )


def _empty_reasons(
    connection: Connection, rows: Found, _scope: Scope, _now: datetime
) -> Iterator[Removal]:
    lines, reasons = tables.transition, tables.case_reason
    for row in rows:
        stored = reasons.c.case_id == row.case_id, reasons.c.text == row.text
        connection.execute(delete(reasons).where(*stored))
        given = lines.c.case_id == row.case_id, lines.c.reason == row.text
        emptied = update(lines).where(*given).values(reason=None).returning(lines.c.seq)
        seqs = connection.scalars(emptied).all()
        # A text that came with a refused request is in no line.
        objects = [reason_object(row.case_id, seq) for seq in sorted(seqs)]
        for what in objects or [f"{row.case_id}/reason"]:
            yield Removal(what, row.case_id, digest_text(row.text), 1)


FORMS = ExpiringClass(_due_forms, _empty_forms)
REASONS = ExpiringClass(_due_reasons, _empty_reasons)
