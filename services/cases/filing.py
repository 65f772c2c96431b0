"""Whether a form may be filed: the saved form against the programme, and the unit's others."""

from sqlalchemy import Connection, bindparam, select

from models import tables
from models.cases.actions.filing import Submit
from models.cases.actions.reopening import Reopen
from models.cases.columns import Columns
from models.cases.commands import Command, FilingCommand
from models.cases.form import CaseForm
from models.cases.form_check import check_form
from models.cases.messages import Refusal
from models.cases.states import FINAL, State
from models.programme.definition import Programme
from models.programme.parts import choice_key
from models.retention import removed

_CASES = tables.case_record.c
_UNIT_TO_LOCK = (
    select(tables.unit.c.id)
    .where(tables.unit.c.id == bindparam("unit_id"))
    .with_for_update(key_share=True)
)
_TITLES = select(_CASES.title).where(
    _CASES.season_id == bindparam("season_id"),
    _CASES.unit_id == bindparam("unit_id"),
    _CASES.id != bindparam("case_id"),
    _CASES.state.not_in([*FINAL, State.DRAFT]),
)
"""The titles of a unit's other cases that are under way."""


def refuse_form(
    case: Columns, command: FilingCommand, programme: Programme, *, quoting: bool
) -> Refusal | None:
    """Return why the named revision may not be filed, or None.

    The same check stands before the update is sent, so that nothing bad reaches a
    history, and inside the commit, so that nothing changes between check and commit.

    Args:
        case: The case's columns, with its newest form.
        command: What is filed.
        programme: The season's.
        quoting: Whether the words may quote the form; not where they enter a history.
    """
    if (case["revision"], case["form_digest"]) != (command.revision, command.content):
        return Refusal(
            code="revision_changed", message="申报表在提交时又被修改，请核对后重新提交。"
        )
    findings = check_form(CaseForm.model_validate(case["form"]), programme)
    if not findings:
        return None
    listed = "；".join(
        f"{finding.field}：{finding.message if quoting else finding.code}" for finding in findings
    )
    return Refusal(code="form_incomplete", message=f"申报表未通过检查：{listed}")


def refuse_duplicate(
    connection: Connection, case: Columns, command: Command, *, lock: bool
) -> Refusal | None:
    """Return why a case may not be under way, if the unit has this very title there already.

    Args:
        connection: Where to read.
        case: The case's columns.
        command: What is filed or reopened; a corrected form was filed before, and a reopened
            draft is looked at when it is filed.
        lock: Lock the unit's row first: of two cases filed at once one has to see the other.
            SQLite lets one writer in at a time anyway.
    """
    returns = isinstance(command, Reopen) and case["state"] == State.WITHDRAWN
    if not (returns or isinstance(command, Submit)):
        return None
    unit_id, title = case["unit_id"], case["title"]
    if lock and connection.dialect.name != "sqlite":
        connection.execute(_UNIT_TO_LOCK, {"unit_id": unit_id})
    asked = {"season_id": case["season_id"], "unit_id": unit_id, "case_id": case["id"]}
    mine = choice_key(title)
    if all(choice_key(each) != mine for each in connection.scalars(_TITLES, asked)):
        return None
    return Refusal(
        code="duplicate_filing",
        message=f"本单位已申报同名案例“{title}”，同一案例不得重复申报。",
    )


def refuse_removed(connection: Connection, case: Columns) -> Refusal | None:
    """Return why a case may not be reopened, if its form is not kept any more."""
    forms = tables.case_revision.c
    newest = forms.case_id == case["id"], forms.revision == case["revision"]
    removed_at = connection.scalar(select(forms.removed_at).where(*newest))
    if removed_at is None:
        return None
    refused = removed("申报表", removed_at)
    return Refusal(code=refused.code, message=refused.message)
