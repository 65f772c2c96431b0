"""Who acts, and for whom, as far as the record knows."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from models.cases.actions.names import Action
from models.cases.actions.registry import allowed_roles
from models.cases.actors import Actor, Role
from models.refusals import Refused
from models.tables import AppUser, Body, Unit, table_of

APP_USER = table_of(AppUser)
BODY = table_of(Body)
UNIT = table_of(Unit)


_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")


def refuse_phone_numbers(*ids: str) -> None:
    """Refuse ids that are phone numbers: ids go everywhere, personal data stays here.

    Raises:
        Refused: One of them holds a mobile number.
    """
    if any(_MOBILE.search(each) for each in ids):
        raise Refused("personal_data_in_id", "编号中不能含有手机号码，请换用其他编号。")


def resolve_actor(
    connection: Connection, case: Mapping[str, Any], action: Action, actor: Actor | None
) -> Actor:
    """Return who acts, and for whom as far as the record knows.

    Without a name it is whoever the action belongs to: the case's applicant, its body,
    or the organiser, panel or season itself.
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


def _org(connection: Connection, case: Mapping[str, Any], actor: Actor) -> str | None:
    if actor.role is Role.APPLICANT and actor.id in (case["applicant_id"], case["unit_id"]):
        return str(case["unit_id"])
    user: str | None = connection.scalar(
        select(APP_USER.c.org).where(APP_USER.c.id == actor.id, APP_USER.c.role == actor.role)
    )
    if user is not None:
        return user
    table = {Role.BODY: BODY, Role.APPLICANT: UNIT}.get(actor.role)
    if table is None:
        return None
    found: str | None = connection.scalar(
        select(table.c.id).where(table.c.season_id == case["season_id"], table.c.id == actor.id)
    )
    return found
