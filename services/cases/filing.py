"""Whether what is filed may be filed: the stored form against the programme."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from models.cases.actions.filing import Submit
from models.cases.commands import FilingCommand
from models.cases.form_check import CaseForm, check_form
from models.cases.messages import Refusal
from models.cases.states import FINAL, State
from models.programme.definition import Programme
from models.tables import CaseRecord, CaseRevision, Unit, table_of

_CASES, _REVISIONS = table_of(CaseRecord).c, table_of(CaseRevision).c
_UNITS = table_of(Unit)


def refuse_filing(
    connection: Connection,
    case: Mapping[str, Any],
    command: FilingCommand,
    programme: Programme,
    *,
    quoting: bool,
) -> Refusal | None:
    """Return why the named revision may not be filed, or None.

    The same check stands before the update is sent, so that nothing bad reaches a
    history, and inside the commit, so that nothing changes between check and commit.

    Args:
        connection: A transaction on the record.
        case: The case's columns.
        command: What is filed.
        programme: The season's.
        quoting: Whether the words may quote the form; not where they enter a history.
    """
    stored = connection.execute(
        select(_REVISIONS.form, _REVISIONS.digest, _REVISIONS.revision)
        .where(_REVISIONS.case_id == case["id"])
        .order_by(_REVISIONS.revision.desc())
        .limit(1)
    ).one()
    if (stored.revision, stored.digest) != (command.revision, command.content):
        return Refusal(
            code="revision_changed", message="申报表在提交时又被修改，请核对后重新提交。"
        )
    findings = check_form(CaseForm.model_validate(stored.form), programme)
    if findings:
        listed = "；".join(
            f"{finding.field}：{finding.message if quoting else finding.code}"
            for finding in findings
        )
        return Refusal(code="form_incomplete", message=f"申报表未通过检查：{listed}")
    if isinstance(command, Submit) and _filed_before(connection, case):
        return Refusal(
            code="duplicate_filing",
            message=f"本单位已申报同名案例“{case['title']}”，同一案例不得重复申报。",
        )
    return None


def _filed_before(connection: Connection, case: Mapping[str, Any]) -> bool:
    """Whether the unit has this very title under way elsewhere in the season.

    The unit's row is locked first: of two cases filed at once one has to see the other.
    """
    unit = select(_UNITS.c.id).where(_UNITS.c.id == case["unit_id"])
    connection.execute(unit.with_for_update(key_share=True))
    title = func.replace(_CASES.title, " ", "")
    found = connection.scalar(
        select(func.count())
        .select_from(table_of(CaseRecord))
        .where(
            _CASES.season_id == case["season_id"],
            _CASES.unit_id == case["unit_id"],
            _CASES.id != case["id"],
            _CASES.state.not_in([*FINAL, State.DRAFT]),
            title == case["title"].replace(" ", ""),
        )
    )
    return bool(found)
