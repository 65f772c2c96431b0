"""Drafts: create one, save a new version of it. Forms never leave the record."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, null, select, update

from models import tables
from models.audit.entries import AuditEntry, EntryKind
from models.audit.objects import form_object
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.columns import Columns
from models.cases.form_check import CaseForm, form_digest
from models.cases.outlook import CaseDates
from models.cases.states import EDITABLE, State
from models.chain import GENESIS
from models.programme.definition import Programme
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.text.names import folded
from models.wording import moment, role_name, state_name
from services.audit.entries import enter
from services.cases.rows import read_case
from services.clock import new_id, now
from services.people.actors import refuse_phone_numbers, resolve_actor
from services.people.users import add_user, write_email
from services.seasons.queries import read_programme

_NEW = {
    "state": State.DRAFT, "seq": 0, "head_hash": GENESIS, "revision": 1, "overdue": False,
    "return_rounds": 0,
}  # fmt: skip
"""What every case begins with."""


@dataclass(frozen=True)
class NewDraft:
    """A draft to be put on record.

    Attributes:
        season_id: The season.
        form: Its first content; its unit and its location must be there.
        actor: The applicant; None: the unit itself.
        email: Where mail reaches the applicant, if anywhere.
    """

    season_id: str
    form: CaseForm
    actor: Actor | None = None
    email: str | None = None


def create_draft(engine: Engine, case_id: str, draft: NewDraft, at: datetime) -> None:
    """Put a new draft on record.

    Raises:
        Refused: The season is unknown, its cutoff has passed, or the form names no unit
            or no known location.
    """
    _refuse_draft(draft)
    form, season_id = draft.form, draft.season_id
    with transaction(engine) as connection:
        programme = read_programme(connection, season_id)
        body = programme.body_for(form.location)
        cutoff = _cutoff(connection, season_id, body.id)
        if cutoff <= at:
            raise Refused("cutoff_passed", f"申报已于 {moment(cutoff)} 截止，不能再新建。")
        unit_id = _unit(connection, season_id, form.unit.strip(), at)
        applicant = _applicant(connection, draft, unit_id, at)
        row = {
            "id": case_id, "season_id": season_id, "body_id": body.id, "unit_id": unit_id,
            "applicant_id": applicant, "title": form.title,
            "category": _category(programme, form), "deadline": cutoff,
            "since": at, "created_at": at, "updated_at": at,
        }  # fmt: skip
        connection.execute(insert(tables.case_record), _NEW | row)
        by = Actor(role=Role.APPLICANT, id=applicant, org=unit_id)
        _save(connection, Revision(case_id, season_id, 1, form, by, at))


def _refuse_draft(draft: NewDraft) -> None:
    """Refuse who may not file, and a form that does not say whose it is."""
    actor = draft.actor
    if actor is not None and actor.role is not Role.APPLICANT:
        raise Refused(
            "role_not_allowed",
            f"角色{role_name(actor.role)}不能申报，只有{role_name(Role.APPLICANT)}可以。",
        )
    if actor is not None:
        refuse_phone_numbers(actor.id)
    if not draft.form.unit.strip():
        raise Refused("unit_required", "请填写申报单位（unit）。")


def save_draft(engine: Engine, case_id: str, form: CaseForm, actor: Actor | None) -> int:
    """Save a new version of a case's form; return its number.

    Raises:
        Refused: The case is not open to changes, or the actor is not its applicant.
    """
    at = now()
    with transaction(engine) as connection:
        case = read_case(connection, case_id, lock=True)
        who = resolve_actor(connection, case, Action.SUBMIT, actor)
        programme = read_programme(connection, case["season_id"])
        _refuse_edit(connection, case, form, who, programme)
        number: int = case["revision"] + 1
        _save(connection, Revision(case_id, case["season_id"], number, form, who, at))
        connection.execute(
            update(tables.case_record)
            .where(tables.case_record.c.id == case_id)
            .values(
                revision=number,
                title=form.title,
                category=_category(programme, form),
                updated_at=at,
            )
        )
    return number


def _unit(connection: Connection, season_id: str, name: str, at: datetime) -> str:
    """Return the unit of a name, however it is spelt; enter it where there is none yet."""
    key = folded(name)
    found: str | None = connection.scalar(
        select(tables.unit.c.id).filter_by(season_id=season_id, name_key=key)
    )
    if found is not None:
        return found
    unit_id = new_id("unit")
    row = {"id": unit_id, "season_id": season_id, "name": name, "name_key": key, "created_at": at}
    connection.execute(insert(tables.unit), row)
    return unit_id


def _applicant(connection: Connection, draft: NewDraft, unit_id: str, at: datetime) -> str:
    """Return the applicant's user id; make a user of the unit where there is none yet."""
    applicant = unit_id if draft.actor is None else draft.actor.id
    users = tables.app_user.c
    known = connection.scalar(select(users.id).where(users.id == applicant)) is not None
    # Somebody known for another unit files here too: then the unit's own inbox is notified.
    inbox = unit_id if known else applicant
    stands = connection.scalar(select(users.id).where(users.org == unit_id))
    if stands is None:
        add_user(
            connection,
            id=inbox,
            season_id=draft.season_id,
            role=Role.APPLICANT,
            org=unit_id,
            name=draft.form.unit,
            email=draft.email,
            at=at,
        )
    elif draft.email is not None:
        write_email(connection, stands, draft.email)
    return applicant


def _category(programme: Programme, form: CaseForm) -> str:
    """Return the category's key; a draft may not have chosen one yet."""
    try:
        return programme.category(form.category).key
    except Refused:
        return ""


def _refuse_edit(
    connection: Connection, case: Columns, form: CaseForm, actor: Actor, programme: Programme
) -> None:
    if actor.role is not Role.APPLICANT or actor.org != case["unit_id"]:
        raise Refused("not_yours", f"{actor} 不是本案例的申报单位，不能修改。")
    if case["state"] not in EDITABLE:
        state = state_name(case["state"])
        raise Refused("not_editable", f"案例当前状态为{state}，申报表不能修改。")
    unit = connection.scalar(select(tables.unit.c.name).where(tables.unit.c.id == case["unit_id"]))
    if folded(form.unit) != folded(unit or ""):
        raise Refused("unit_fixed", "申报单位不能更改；如填错，请撤回后重新申报。")
    if programme.body_for(form.location).id != case["body_id"]:
        raise Refused("location_fixed", "所在地不能更改；如填错，请撤回后重新申报。")


@dataclass(frozen=True)
class Revision:
    """A version of a case's form, to be saved. `number`: from 1."""

    case_id: str
    season_id: str
    number: int
    form: CaseForm
    by: Actor
    at: datetime


def _save(connection: Connection, new: Revision) -> None:
    """Save a version of a form, and enter for the audit that it was saved."""
    revisions, digest = tables.case_revision, form_digest(new.form)
    before = select(revisions.c.digest).filter_by(case_id=new.case_id, revision=new.number - 1)
    entry = AuditEntry(
        kind=EntryKind.CHANGE, action="case.form_saved",
        object=form_object(new.case_id, new.number), actor=new.by, season=new.season_id,
        case_id=new.case_id, before=connection.scalar(before) if new.number > 1 else None,
        after=digest, request=new_id("req"),
    )  # fmt: skip
    enter(connection, entry, new.at)
    connection.execute(
        insert(revisions),
        {
            "case_id": new.case_id,
            "revision": new.number,
            "form": new.form.model_dump(mode="json"),
            "digest": digest,
            "saved_by": str(new.by),
            "saved_at": new.at,
        },
    )


def _cutoff(connection: Connection, season_id: str, body_id: str) -> datetime:
    """Return when filing ends for the cases of a body."""
    season, body = tables.season.c, tables.body.c
    found = connection.execute(
        select(season.milestones, season.anchor, season.seconds_per_day,
               body.cutoff.label("body_cutoff"), null().label("extended_cutoff"))
        .join(tables.body, body.season_id == season.id)
        .where(season.id == season_id, body.id == body_id)
    ).mappings().one()  # fmt: skip
    return CaseDates.of(found).cutoff


def screening_points(engine: Engine, case_id: str) -> dict[str, str]:
    """Return the points that the case's body answers: key → text.

    Raises:
        Refused: There is no such case.
    """
    with reading(engine) as connection:
        case = read_case(connection, case_id)
        programme = read_programme(connection, case["season_id"])
        return {point.key: point.text for point in programme.screening}
