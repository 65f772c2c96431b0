"""What happens before a command reaches a workflow: drafts, texts, who asks, early no's.

Forms and free texts stop here. What goes on to Temporal are ids and digests.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, insert, select, update

from activities.database import reading, transaction
from activities.filing import refuse_filing
from activities.lines import Columns, read_case, season_dates
from activities.outlook import Horizon
from models.chain import GENESIS, digest_text
from models.commands import Actor, Command, Resubmit, Role, Submit
from models.form import CaseForm, form_digest
from models.lifecycle import Action, State, allowed_roles
from models.programme import Programme
from models.records import COMMANDS
from models.refusals import Refused
from models.tables import (
    AppUser,
    Body,
    CaseReason,
    CaseRecord,
    CaseRevision,
    Season,
    Unit,
)
from services.clock import new_id, now
from services.people import add_user

EDITABLE = frozenset({State.DRAFT, State.CORRECTION})
LONGEST_TEXT = 5_000
_FILING = {Action.SUBMIT: State.DRAFT, Action.RESUBMIT: State.CORRECTION}


def create_draft(
    engine: Engine, case_id: str, season_id: str, form: CaseForm, actor: Actor | None,
    at: datetime, *, email: str | None = None,
) -> None:  # fmt: skip
    """Put a new draft on record.

    Raises:
        Refused: The season is unknown, or the form names no unit or no known location.
    """
    if actor is not None and actor.role is not Role.APPLICANT:
        raise Refused("role_not_allowed", f"角色 {actor.role} 不能申报，只有 applicant 可以。")
    if not form.unit.strip():
        raise Refused("unit_required", "请填写申报单位（unit）。")
    with transaction(engine) as connection:
        programme = read_programme(connection, season_id)
        body = programme.body_for(form.location)
        unit_id = _unit(connection, season_id, form.unit.strip(), at)
        applicant = _applicant(connection, season_id, unit_id, form.unit, actor, email, at)
        row = {
            "id": case_id, "season_id": season_id, "body_id": body.id, "unit_id": unit_id,
            "applicant_id": applicant, "title": form.title,
            "category": _category(programme, form), "state": State.DRAFT, "seq": 0,
            "head_hash": GENESIS, "revision": 1, "since": at, "created_at": at,
            "updated_at": at, "overdue": False, "return_rounds": 0,
        }  # fmt: skip
        connection.execute(insert(CaseRecord), row)
        _save_revision(connection, case_id, 1, form, f"{Role.APPLICANT}:{applicant}", at)
        case = read_case(connection, case_id)
        deadline = Horizon(case, season_dates(case)).deadline(State.DRAFT, None)
        connection.execute(
            update(CaseRecord).where(CaseRecord.id == case_id).values(deadline=deadline)
        )


def save_draft(engine: Engine, case_id: str, form: CaseForm, actor: Actor | None) -> int:
    """Save a new version of a case's form; return its number.

    Raises:
        Refused: The case is not open to changes, or the actor is not its applicant.
    """
    with transaction(engine) as connection:
        case = read_case(connection, case_id, lock=True)
        who = resolve_actor(connection, case, Action.SUBMIT, actor)
        _refuse_edit(connection, case, form, who)
        programme = read_programme(connection, case["season_id"])
        revision: int = case["revision"] + 1
        _save_revision(connection, case_id, revision, form, str(who), now())
        connection.execute(
            update(CaseRecord)
            .where(CaseRecord.id == case_id)
            .values(
                revision=revision,
                title=form.title,
                category=_category(programme, form),
                updated_at=now(),
            )  # fmt: skip
        )
    return revision


def read_form(engine: Engine, case_id: str) -> CaseForm:
    """Return the newest form of a case.

    Raises:
        Refused: There is no such case.
    """
    with reading(engine) as connection:
        case = read_case(connection, case_id)
        return CaseForm.from_json(
            connection.scalar(
                select(CaseRevision.form).where(
                    CaseRevision.case_id == case_id, CaseRevision.revision == case["revision"]
                )
            )
        )


def prepare(
    engine: Engine,
    case_id: str,
    action: Action,
    fields: Mapping[str, Any],
    actor: Actor | None,
    text: str | None,
    update_id: str,
) -> Command:
    """Return the command to send.

    The text goes on record here. A form that may not be filed is refused here, so that
    nothing of it reaches a history; the commit checks again.

    Raises:
        Refused: No such case, a bad field, a text too long, or a form that will not do.
    """
    with transaction(engine) as connection:
        case = read_case(connection, case_id)
        who = resolve_actor(connection, case, action, actor)
        values = {**fields, "actor": who, "reason": _keep_text(connection, case_id, text)}
        if action in _FILING:
            values |= _newest(connection, case)
        command = _command(action, values)
        if case["state"] == _FILING.get(action) and isinstance(command, Submit | Resubmit):
            programme = read_programme(connection, case["season_id"])
            refusal = refuse_filing(connection, case, command, programme)
            if refusal is not None:
                raise Refused(refusal.code, refusal.message)
        return command


def resolve_actor(
    connection: Connection, case: Columns, action: Action, actor: Actor | None
) -> Actor:
    """Return who acts, and for whom as far as the record knows.

    Without a name it is whoever the action belongs to: the case's applicant, its body,
    or the office itself.
    """
    if actor is None:
        role = allowed_roles(action)[0]
        own = {Role.APPLICANT: case["applicant_id"], Role.BODY: case["body_id"]}
        actor = Actor(role=role, id=own.get(role, str(role)))
    return actor.model_copy(update={"org": _org(connection, case, actor)})


def read_programme(connection: Connection, season_id: str) -> Programme:
    """Return the programme of a season.

    Raises:
        Refused: There is no such season.
    """
    found = connection.scalar(select(Season.programme).where(Season.id == season_id))
    if found is None:
        raise Refused("unknown_season", f"没有征集季 {season_id}（tuixuan season list）。")
    return Programme.from_json(found)


def _org(connection: Connection, case: Columns, actor: Actor) -> str | None:
    if actor.role is Role.APPLICANT and actor.id in (case["applicant_id"], case["unit_id"]):
        return str(case["unit_id"])
    user = connection.scalar(
        select(AppUser.org).where(AppUser.id == actor.id, AppUser.role == actor.role)
    )
    if user is not None:
        return user
    if actor.role is Role.BODY:
        return connection.scalar(
            select(Body.id).where(Body.season_id == case["season_id"], Body.id == actor.id)
        )
    return connection.scalar(select(Unit.id).where(Unit.id == actor.id))


def _command(action: Action, values: Mapping[str, Any]) -> Command:
    try:
        return COMMANDS[action].model_validate(values)
    except ValidationError as error:
        places = "、".join(".".join(map(str, item["loc"])) for item in error.errors())
        raise Refused("bad_field", f"参数不正确：{places}。") from error


def _keep_text(connection: Connection, case_id: str, text: str | None) -> str | None:
    """Put a text on record once; return its digest. White space alone is no text."""
    stripped = (text or "").strip()
    if not stripped:
        return None
    if len(stripped) > LONGEST_TEXT:
        raise Refused("text_too_long", f"文字过长，最多 {LONGEST_TEXT} 个字符。")
    digest = digest_text(stripped)
    known = connection.scalar(
        select(CaseReason.digest).where(CaseReason.case_id == case_id, CaseReason.digest == digest)
    )
    if known is None:
        connection.execute(
            insert(CaseReason),
            {"case_id": case_id, "digest": digest, "text": stripped, "written_at": now()},
        )
    return digest


def _newest(connection: Connection, case: Columns) -> dict[str, Any]:
    row = connection.execute(
        select(CaseRevision.revision, CaseRevision.digest).where(
            CaseRevision.case_id == case["id"], CaseRevision.revision == case["revision"]
        )
    ).one()
    return {"revision": row.revision, "content": row.digest}


def _unit(connection: Connection, season_id: str, name: str, at: datetime) -> str:
    found = connection.scalar(select(Unit.id).where(Unit.season_id == season_id, Unit.name == name))
    if found is not None:
        return found
    unit_id = new_id("unit")
    connection.execute(
        insert(Unit), {"id": unit_id, "season_id": season_id, "name": name, "created_at": at}
    )
    return unit_id


def _applicant(
    connection: Connection, season_id: str, unit_id: str, unit: str, actor: Actor | None,
    email: str | None, at: datetime,
) -> str:  # fmt: skip
    """Return the applicant's user id; make the user where there is none yet."""
    user_id = unit_id if actor is None else actor.id
    known = connection.execute(
        select(AppUser.org, AppUser.role).where(AppUser.id == user_id)
    ).one_or_none()
    if known is None:
        add_user(
            connection, id=user_id, season_id=season_id, role=Role.APPLICANT, org=unit_id,
            name=unit, email=email, at=at,
        )  # fmt: skip
    elif (known.org, known.role) != (unit_id, Role.APPLICANT):
        raise Refused("not_yours", f"用户 {user_id} 属于另一单位，不能以“{unit}”名义申报。")
    return user_id


def _category(programme: Programme, form: CaseForm) -> str:
    """Return the category's key; a draft may not have chosen one yet."""
    try:
        return programme.category(form.category).key
    except Refused:
        return ""


def _refuse_edit(connection: Connection, case: Columns, form: CaseForm, actor: Actor) -> None:
    if actor.role is not Role.APPLICANT or actor.org not in (None, case["unit_id"]):
        raise Refused("not_yours", f"{actor} 不是本案例的申报单位，不能修改。")
    if case["state"] not in EDITABLE:
        raise Refused("not_editable", f"案例当前状态为 {case['state']}，申报表不能修改。")
    programme = read_programme(connection, case["season_id"])
    unit = connection.scalar(select(Unit.name).where(Unit.id == case["unit_id"]))
    if form.unit.strip() != unit:
        raise Refused("unit_fixed", "申报单位不能更改；如填错，请撤回后重新申报。")
    if programme.body_for(form.location).id != case["body_id"]:
        raise Refused("location_fixed", "所在地不能更改；如填错，请撤回后重新申报。")


def _save_revision(
    connection: Connection, case_id: str, revision: int, form: CaseForm, by: str, at: datetime
) -> None:
    connection.execute(
        insert(CaseRevision),
        {
            "case_id": case_id,
            "revision": revision,
            "form": form.model_dump(mode="json"),
            "digest": form_digest(form),
            "saved_by": by,
            "saved_at": at,
        },
    )
