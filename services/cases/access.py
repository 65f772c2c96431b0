"""Show forms and histories of cases to those who may see them, each access entered before."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, RowMapping, select

from models import tables
from models.audit.objects import form_object
from models.cases.actors import Role
from models.cases.columns import Columns
from models.cases.form import CaseForm
from models.cases.masked_form import mask_form
from models.refusals import Refused
from models.retention import removed
from models.store.engine import transaction
from services.audit.access import Access, Viewer, enter_access, resolve_org
from services.cases.queries import history
from services.cases.rows import read_case
from services.cases.views import CaseHistory
from services.seasons.queries import read_programme


class FormView(BaseModel):
    """A saved form.

    Attributes:
        filed: It is the one that was filed last.
        masked: Not all is shown.
        titles: The title of each field in this season's form, by its key.
    """

    model_config = ConfigDict(frozen=True)

    case_id: str
    revision: int
    filed: bool
    masked: bool
    digest: str
    saved_at: datetime
    titles: dict[str, str]
    form: CaseForm


def show_form(
    engine: Engine, case_id: str, viewer: Viewer, *, revision: int | None = None,
    reveal: bool = False,
) -> FormView:  # fmt: skip
    """Return a saved form; without `reveal`, names, phones and addresses are masked.

    Args:
        engine: The record.
        case_id: Which case.
        viewer: Who asks; to reveal they need a reason.
        revision: Which saved version; None: the newest.
        reveal: Show everything.

    Raises:
        Refused: `unknown_case`, `unknown_revision`, `not_yours`, `reason_required`,
            `bad_reason` or `removed`.
    """
    if reveal and not (viewer.reason or "").strip():
        raise Refused("reason_required", "查看完整的个人信息须用 --reason 写明理由。")
    with transaction(engine) as connection:
        case = read_case(connection, case_id)
        viewer = _authorized(connection, case, viewer)
        row = _read_revision(connection, case, revision)
        form = CaseForm.from_json(row["form"])
        titles = read_programme(connection, case["season_id"]).form.titles
        action = "case.form_revealed" if reveal else "case.form_seen"
        what = form_object(case_id, row["revision"])
        enter_access(connection, viewer, _of_case(case, action, what, row["digest"]))
    return FormView(
        case_id=case_id,
        revision=row["revision"],
        filed=row["revision"] == case["frozen_revision"],
        masked=not reveal,
        digest=row["digest"],
        saved_at=row["saved_at"],
        titles=titles,
        form=form if reveal else mask_form(form),
    )


def show_history(engine: Engine, case_id: str, viewer: Viewer) -> CaseHistory:
    """Return a case's history with the texts that people wrote.

    Raises:
        Refused: `unknown_case`, `not_yours` or `bad_reason`.
    """
    with transaction(engine) as connection:
        case = read_case(connection, case_id)
        viewer = _authorized(connection, case, viewer)
        what = f"{case_id}/history"
        accessed = _of_case(case, "case.history_seen", what, case["head_hash"])
        enter_access(connection, viewer, accessed)
    return history(engine, case_id)


def _authorized(connection: Connection, case: Columns, viewer: Viewer) -> Viewer:
    """Return the viewer with their org; refuse applicants and bodies of other cases."""
    viewer = resolve_org(connection, viewer)
    actor = viewer.actor
    if actor.role is Role.APPLICANT:
        own = case["unit_id"] == actor.org or actor.id in (case["unit_id"], case["applicant_id"])
    elif actor.role is Role.BODY:
        own = case["body_id"] in (actor.org, actor.id)
    else:  # the organiser, the panel, auditors and operators see every case
        own = actor.role not in (Role.PUBLIC, Role.EXPERT)
    if not own:
        raise Refused("not_yours", f"{actor} 无权查看案例 {case['id']} 的内容。")
    return viewer


def _read_revision(connection: Connection, case: Columns, revision: int | None) -> RowMapping:
    """Return a saved version of the case's form, one that was not removed."""
    case_id, newest = case["id"], case["revision"]
    wanted = newest if revision is None else revision
    query = select(tables.case_revision).filter_by(case_id=case_id, revision=wanted)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        message = f"案例 {case_id} 没有第 {wanted} 版申报表，最新为第 {newest} 版。"
        raise Refused("unknown_revision", message)
    if row["removed_at"] is not None:
        raise removed(f"案例 {case_id} 的申报表（第 {wanted} 版）", row["removed_at"])
    return row


def _of_case(case: Columns, action: str, what: str, seen: str) -> Access:
    return Access(action, what, seen, season=case["season_id"], case_id=case["id"])
