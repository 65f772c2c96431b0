"""Look at what is personal or sealed: whoever sees it has been entered for the audit before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, select

from models.audit.entries import AuditEntry, EntryKind
from models.cases.actors import Actor, Role
from models.cases.form import CaseForm
from models.cases.masked_form import mask_form
from models.chain import digest
from models.refusals import Refused
from models.retention import removed
from models.store.engine import transaction
from models.tables import AppUser, CaseRevision, table_of
from services.audit.archive_verifier import key_id
from services.audit.entries import enter
from services.cases.queries import history
from services.cases.rows import Columns, read_case
from services.cases.views import CaseHistory
from services.clock import now
from services.notifications.inbox import InboxItem, inbox
from services.people.users import UserView, list_users, unknown_user
from services.seasons.queries import read_programme

_REVISIONS, _USER = table_of(CaseRevision), table_of(AppUser).c


@dataclass(frozen=True)
class Viewer:
    """Who asks to see something. `request`: its id; `reason`: why, where a reason is due."""

    actor: Actor
    request: str
    reason: str | None = None


class FormView(BaseModel):
    """A saved form.

    Attributes:
        filed: It is the one that was filed last.
        masked: Not all is shown.
        titles: What each field is called in this season's form, by its key.
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
    """Return what a form says; without `reveal` names, phones and addresses are masked.

    Args:
        engine: The record.
        case_id: Which case.
        viewer: Who asks; to reveal they need a reason.
        revision: Which saved version; None: the newest.
        reveal: Show everything.

    Raises:
        Refused: `unknown_case`, `unknown_revision`, `not_yours`, `reason_required`, or
            `removed`.
    """
    if reveal and not (viewer.reason or "").strip():
        raise Refused("reason_required", "查看完整的个人信息须用 --reason 写明理由。")
    with transaction(engine) as connection:
        case = read_case(connection, case_id)
        viewer = _allowed(connection, case, viewer)
        wanted = case["revision"] if revision is None else revision
        query = select(_REVISIONS).filter_by(case_id=case_id, revision=wanted)
        row = connection.execute(query).mappings().one_or_none()
        if row is None:
            message = f"案例 {case_id} 没有第 {wanted} 版申报表，最新为第 {case['revision']} 版。"
            raise Refused("unknown_revision", message)
        if row["removed_at"] is not None:
            raise removed(f"案例 {case_id} 的申报表（第 {wanted} 版）", row["removed_at"])
        form = CaseForm.from_json(row["form"])
        programme = read_programme(connection, case["season_id"])
        action = "case.form_revealed" if reveal else "case.form_seen"
        entry = _access(viewer, action, f"{case_id}/form/{wanted}", row["digest"])
        enter(connection, _of_case(entry, case), now())
    return FormView(
        case_id=case_id,
        revision=wanted,
        filed=wanted == case["frozen_revision"],
        masked=not reveal,
        digest=row["digest"],
        saved_at=row["saved_at"],
        titles={field.key: field.title for field in programme.form.fields},
        form=form if reveal else mask_form(form),
    )


def show_history(engine: Engine, case_id: str, viewer: Viewer) -> CaseHistory:
    """Return a case's history with what people wrote.

    Raises:
        Refused: There is no such case, or it is another's.
    """
    with transaction(engine) as connection:
        case = read_case(connection, case_id)
        viewer = _allowed(connection, case, viewer)
        entry = _access(viewer, "case.history_seen", f"{case_id}/history", case["head_hash"])
        enter(connection, _of_case(entry, case), now())
    return history(engine, case_id)


def show_inbox(
    engine: Engine, user_id: str, viewer: Viewer, limit: int = 50, after: str | None = None
) -> list[InboxItem]:
    """Return a page of a user's messages, the newest first.

    Raises:
        Refused: `unknown_user`.
    """
    with transaction(engine) as connection:
        season = connection.scalar(select(_USER.season_id).where(_USER.id == user_id))
        if season is None:
            raise unknown_user(user_id)
        viewer = _with_org(connection, viewer)
        entry = _access(viewer, "inbox.seen", user_id).model_copy(update={"season": season})
        enter(connection, entry, now())
    return inbox(engine, user_id, limit, after)


def show_users(
    engine: Engine, season_id: str, viewer: Viewer, role: str | None = None
) -> Sequence[UserView]:
    """Return the users of a season, with their names.

    Raises:
        Refused: There is no such role.
    """
    found = list_users(engine, season_id, role)
    if found:
        with transaction(engine) as connection:
            viewer = _with_org(connection, viewer)
            entry = _access(viewer, "users.seen", season_id).model_copy(
                update={"season": season_id}
            )
            enter(connection, entry, now())
    return found


def enter_export(engine: Engine, season_id: str, viewer: Viewer, head: str) -> None:
    """Enter that the evidence of a season was handed out up to `head`."""
    with transaction(engine) as connection:
        entry = _access(_with_org(connection, viewer), "audit.exported", season_id, head)
        enter(connection, entry.model_copy(update={"season": season_id}), now())


def key_changed(viewer: Viewer, line: Mapping[str, Any]) -> AuditEntry:
    """Return the deed of a new signing key; `line`: what the file of the digests says of it."""
    new = key_id(bytes.fromhex(line["public_key"]))
    return AuditEntry(
        kind=EntryKind.KEY, action="audit.key_rotated", object=new, actor=viewer.actor,
        after=digest(dict(line)), reason=viewer.reason, request=viewer.request,
    )  # fmt: skip


def _access(viewer: Viewer, action: str, what: str, seen: str | None = None) -> AuditEntry:
    """Return the deed; looking changes nothing, so both digests are of what was seen."""
    return AuditEntry(
        kind=EntryKind.ACCESS, action=action, object=what, actor=viewer.actor, before=seen,
        after=seen, reason=viewer.reason, request=viewer.request,
    )  # fmt: skip


def _of_case(entry: AuditEntry, case: Columns) -> AuditEntry:
    return entry.model_copy(update={"case_id": case["id"], "season": case["season_id"]})


def _allowed(connection: Connection, case: Columns, viewer: Viewer) -> Viewer:
    """Refuse the applicants and bodies of other cases; the offices see every one."""
    viewer = _with_org(connection, viewer)
    actor = viewer.actor
    if actor.role is Role.APPLICANT:
        own = case["unit_id"] == actor.org or actor.id in (case["unit_id"], case["applicant_id"])
    elif actor.role is Role.BODY:
        own = case["body_id"] in (actor.org, actor.id)
    else:
        own = actor.role not in (Role.PUBLIC, Role.EXPERT)
    if not own:
        raise Refused("not_yours", f"{actor} 无权查看案例 {case['id']} 的内容。")
    return viewer


def _with_org(connection: Connection, viewer: Viewer) -> Viewer:
    """Return the looker with the unit or body that the record knows them to belong to."""
    actor = viewer.actor
    query = select(_USER.org).where(_USER.id == actor.id, _USER.role == actor.role)
    org = connection.scalar(query)
    return Viewer(actor.model_copy(update={"org": org}), viewer.request, viewer.reason)
