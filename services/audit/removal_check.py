"""Whether what is gone of a case is gone by a deed on record, and was old enough."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from models.audit.entries import EntryKind
from models.audit.objects import form_object, reason_object
from models.cases.states import ENDED
from models.ids import event_id
from models.programme.retention import LEAST_DAYS_KEPT
from models.tables import CaseRevision, table_of
from services.audit.entries import ENTRIES
from services.audit.report import Problem

type Row = Mapping[Any, Any]

_LEAST_KEPT = timedelta(days=LEAST_DAYS_KEPT)
_FORMS = table_of(CaseRevision).c


@dataclass
class Removals:
    """What is said to be removed of one case.

    Attributes:
        emptied: The revisions that are marked so, without their content.
        deeds: When something was removed: (object, digest) → instant.
    """

    emptied: list[Row] = field(default_factory=list)
    deeds: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def check(self, case_id: str, lines: Sequence[Row]) -> Iterator[Problem]:
        """Yield what went without a deed that names it, or before its time.

        When the case ended is taken from its lines: their times are under their hashes.
        """
        ended = next((line["at"] for line in lines if line["target"] in ENDED), None)
        for line in lines:
            bound = line["command"].get("reason")
            if line["reason"] is None and bound is not None:
                name = (reason_object(case_id, line["seq"]), bound)
                for message in self._gone(name, line["at"], ended):
                    where = event_id(case_id, line["seq"])
                    yield Problem(kind="removed", where=where, message=f"意见或理由{message}")
        for row in self.emptied:
            name = (form_object(case_id, row["revision"]), row["digest"])
            for message in self._gone(name, row["saved_at"], ended):
                which = f"申报表（第 {row['revision']} 版）"
                yield Problem(kind="removed", where=case_id, message=which + message)

    def _gone(
        self, name: tuple[str, str], written: datetime, ended: datetime | None
    ) -> Iterator[str]:
        at = self.deeds.get(name)
        if at is None:
            yield "已不在，却没有与之相符的清除记录"
        elif ended is None:
            yield "已清除，而案例尚未终结"
        elif at - max(written, ended) < _LEAST_KEPT:
            yield f"的清除不足 {LEAST_DAYS_KEPT} 天"


def read_removals(connection: Connection, case_ids: Sequence[str]) -> dict[str, Removals]:
    """Return what is said to be removed of some cases; of the others nothing is."""
    found: dict[str, Removals] = defaultdict(Removals)
    emptied = (
        select(_FORMS.case_id, _FORMS.revision, _FORMS.digest, _FORMS.saved_at)
        .where(_FORMS.case_id.in_(case_ids), _FORMS.removed_at.is_not(None))
        .order_by(_FORMS.case_id, _FORMS.revision)
    )
    for row in connection.execute(emptied).mappings():
        found[row["case_id"]].emptied.append(row)
    deeds = select(ENTRIES.c.case_id, ENTRIES.c.body).where(
        ENTRIES.c.case_id.in_(case_ids), ENTRIES.c.kind == EntryKind.REMOVAL
    )
    for case_id, body in connection.execute(deeds):
        # The body is what the audit has; the columns beside it are for finding it.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry = json.loads(body)
            name = (entry["data"]["object"], entry["data"]["before"])
            found[case_id].deeds[name] = datetime.fromisoformat(entry["time"])
    return found
