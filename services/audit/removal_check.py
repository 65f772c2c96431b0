"""Check that what was removed of a case has an entry that says so, and was old enough."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from models import tables
from models.audit.entries import EntryKind
from models.audit.objects import form_object, reason_object
from models.audit.report import Problem
from models.cases.states import ENDED
from models.ids import event_id
from models.programme.retention import LEAST_DAYS_KEPT

type Row = Mapping[Any, Any]

_LEAST_KEPT = timedelta(days=LEAST_DAYS_KEPT)


@dataclass
class Removals:
    """What was removed of one case.

    Attributes:
        revisions: The saved versions of its form that are marked as removed.
        entries: When each thing was removed, by the entries: (object, digest) → instant.
    """

    revisions: list[Row] = field(default_factory=list)
    entries: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def check(self, case_id: str, lines: Sequence[Row]) -> Iterator[Problem]:
        """Yield whatever was removed without an entry that names it, or too early.

        Args:
            case_id: Of which case.
            lines: Its history. When it ended is taken from there, as the times of its lines
                are under their hashes.
        """
        for line in lines:
            given = line["command"].get("reason")
            if line["reason"] is None and given is not None:
                what = (reason_object(case_id, line["seq"]), given)
                for message in self._check_removed(what, line["at"], lines):
                    where = event_id(case_id, line["seq"])
                    yield Problem(kind="removed", where=where, message=f"意见或理由{message}")
        for row in self.revisions:
            what = (form_object(case_id, row["revision"]), row["digest"])
            for message in self._check_removed(what, row["saved_at"], lines):
                which = f"申报表（第 {row['revision']} 版）"
                yield Problem(kind="removed", where=case_id, message=which + message)

    def _check_removed(
        self, what: tuple[str, str], written: datetime, lines: Sequence[Row]
    ) -> Iterator[str]:
        at = self.entries.get(what)
        if at is None:
            yield "已不在，却没有与之相符的清除记录"
        elif (ended := _ended(lines, at)) is None:
            yield "已清除，而案例尚未终结"
        elif at - max(written, ended) < _LEAST_KEPT:
            yield f"的清除不足 {LEAST_DAYS_KEPT} 天"


def _ended(lines: Sequence[Row], at: datetime) -> datetime | None:
    """Return since when a case had ended at an instant; None: it was open then.

    A case that was published and later disqualified ended when it was published; one that
    lapsed, was reopened and lapsed again ended the second time.
    """
    ended: datetime | None = None
    for line in lines:
        if line["at"] > at:
            break
        if line["target"] not in ENDED:
            ended = None
        elif ended is None:
            ended = line["at"]
    return ended


def read_removals(connection: Connection, case_ids: Sequence[str]) -> dict[str, Removals]:
    """Return what was removed of some cases; those of which nothing was are left out."""
    found: dict[str, Removals] = defaultdict(Removals)
    forms = tables.case_revision.c
    removed = (
        select(forms.case_id, forms.revision, forms.digest, forms.saved_at)
        .where(forms.case_id.in_(case_ids), forms.removed_at.is_not(None))
        .order_by(forms.case_id, forms.revision)
    )
    for row in connection.execute(removed).mappings():
        found[row["case_id"]].revisions.append(row)
    columns = tables.deed.c
    entries = select(columns.case_id, columns.body).where(
        columns.case_id.in_(case_ids), columns.kind == EntryKind.REMOVAL
    )
    for case_id, body in connection.execute(entries):
        # The body is what the audit has; the columns beside it only serve to find it.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry = json.loads(body)
            what = (entry["data"]["object"], entry["data"]["before"])
            found[case_id].entries[what] = datetime.fromisoformat(entry["time"])
    return found
