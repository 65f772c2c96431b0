"""Who acts on a case, and for whom."""

from sqlalchemy import Connection, select

from models import tables
from models.cases.actions.names import Action
from models.cases.actions.registry import allowed_roles
from models.cases.actors import Actor, Role
from models.cases.columns import Columns
from models.masking import holds_mobile_number
from models.refusals import Refused


def refuse_phone_numbers(*ids: str) -> None:
    """Refuse ids with a phone number in them: ids go everywhere, personal data stays here.

    Raises:
        Refused: `personal_data_in_id`.
    """
    if any(map(holds_mobile_number, ids)):
        raise Refused("personal_data_in_id", "编号中不能含有手机号码，请换用其他编号。")


def resolve_actor(
    connection: Connection, case: Columns, action: Action, actor: Actor | None
) -> Actor:
    """Return who acts, with the org that the record knows them to belong to.

    Args:
        connection: Where to read.
        case: The case's columns.
        action: What is to be done.
        actor: Who; None: whoever the action belongs to: the case's applicant, its body, or
            the organiser, panel or season itself.
    """
    if actor is None:
        role = allowed_roles(action)[0]
        own = {
            Role.APPLICANT: (case["applicant_id"], case["unit_id"]),
            Role.BODY: (case["body_id"], case["body_id"]),
        }
        actor_id, org = own.get(role, (str(role), None))
        return Actor(role=role, id=actor_id, org=org)
    return actor.model_copy(update={"org": _org(connection, case, actor)})


def _org(connection: Connection, case: Columns, actor: Actor) -> str | None:
    if actor.role is Role.APPLICANT and actor.id in (case["applicant_id"], case["unit_id"]):
        return str(case["unit_id"])
    users = tables.app_user.c
    org: str | None = connection.scalar(
        select(users.org).where(users.id == actor.id, users.role == actor.role)
    )
    if org is not None:
        return org
    table = {Role.BODY: tables.body, Role.APPLICANT: tables.unit}.get(actor.role)
    if table is None:
        return None
    found: str | None = connection.scalar(
        select(table.c.id).where(table.c.season_id == case["season_id"], table.c.id == actor.id)
    )
    return found
