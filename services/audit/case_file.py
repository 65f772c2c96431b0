"""Everything on record of one case, read to be checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, and_, select

from models import tables
from services.audit.removal_check import Removals, read_removals

type Row = Mapping[Any, Any]


@dataclass
class CaseFile:
    """Everything on record of one case.

    Attributes:
        lines: The rows of `transition`, in their order.
        events: The rows of `outbox`, by seq.
        form: The filed revision, where one was filed.
        removals: What was removed of it, and the entries that say so.
    """

    case: Row
    lines: list[Row] = field(default_factory=list)
    events: dict[int, Row] = field(default_factory=dict)
    form: Row | None = None
    removals: Removals = field(default_factory=Removals)


def read_cases(connection: Connection, case_ids: Sequence[str]) -> dict[str, CaseFile]:
    """Return the files of some cases, as of one moment."""
    cases, revisions = tables.case_record, tables.case_revision
    found = connection.execute(select(cases).where(cases.c.id.in_(case_ids)))
    files = {row["id"]: CaseFile(row) for row in found.mappings()}
    for row in _rows(connection, tables.transition, case_ids):
        files[row["case_id"]].lines.append(row)
    for row in _rows(connection, tables.outbox, case_ids):
        files[row["case_id"]].events[row["seq"]] = row
    filed = and_(cases.c.id == revisions.c.case_id, cases.c.frozen_revision == revisions.c.revision)
    forms = select(revisions).join(cases, filed).where(cases.c.id.in_(case_ids))
    for row in connection.execute(forms).mappings():
        files[row["case_id"]].form = row
    for case_id, removals in read_removals(connection, list(files)).items():
        files[case_id].removals = removals
    return files


def _rows(connection: Connection, table: Table, case_ids: Sequence[str]) -> Iterator[Row]:
    query = select(table).where(table.c.case_id.in_(case_ids))
    yield from connection.execute(query.order_by(table.c.case_id, table.c.seq)).mappings()
