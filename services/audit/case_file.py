"""Everything on record of one case, read to be checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select

from models import tables
from models.store.keys import has_key
from services.audit.removal_check import Removals, read_removals

type Row = Mapping[Any, Any]


class Filing(NamedTuple):
    """A form that was filed: by which line, which revision, and its digest."""

    seq: int
    revision: int
    digest: str


@dataclass
class CaseFile:
    """Everything on record of one case.

    Attributes:
        lines: The rows of `transition`, in their order.
        events: The rows of `outbox`, by seq.
        forms: The revisions that lines name by their digest, by number.
        removals: What was removed of it, and the entries that say so.
    """

    case: Row
    lines: list[Row] = field(default_factory=list)
    events: dict[int, Row] = field(default_factory=dict)
    forms: dict[int, Row] = field(default_factory=dict)
    removals: Removals = field(default_factory=Removals)

    def filings(self) -> Iterator[Filing]:
        """Yield what each line of history filed, in order."""
        for line in self.lines:
            asked = line["command"]
            if isinstance(asked, Mapping) and isinstance(asked.get("revision"), int):
                yield Filing(line["seq"], asked["revision"], str(asked.get("content")))


def read_cases(connection: Connection, case_ids: Sequence[str]) -> dict[str, CaseFile]:
    """Return the files of some cases, as of one moment."""
    cases, revisions = tables.case_record, tables.case_revision
    found = connection.execute(select(cases).where(cases.c.id.in_(case_ids)))
    files = {row["id"]: CaseFile(row) for row in found.mappings()}
    for row in _rows(connection, tables.transition, case_ids):
        files[row["case_id"]].lines.append(row)
    for row in _rows(connection, tables.outbox, case_ids):
        files[row["case_id"]].events[row["seq"]] = row
    filed = {(id_, each.revision) for id_, file in files.items() for each in file.filings()}
    named = select(revisions).where(has_key(revisions.c.case_id, revisions.c.revision, filed))
    for row in connection.execute(named).mappings():
        files[row["case_id"]].forms[row["revision"]] = row
    for case_id, removals in read_removals(connection, list(files)).items():
        files[case_id].removals = removals
    return files


def _rows(connection: Connection, table: Table, case_ids: Sequence[str]) -> Iterator[Row]:
    query = select(table).where(table.c.case_id.in_(case_ids))
    yield from connection.execute(query.order_by(table.c.case_id, table.c.seq)).mappings()
