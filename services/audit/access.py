"""Access entries: whoever sees personal or sealed data is on record before they see it."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from models import tables
from models.audit.entries import AuditEntry, EntryKind
from models.cases.actors import Actor
from services.audit.entries import enter
from services.clock import now


@dataclass(frozen=True)
class Viewer:
    """Who asks to see something.

    Attributes:
        request: The id of the request.
        reason: Why, where a reason is required.
    """

    actor: Actor
    request: str
    reason: str | None = None


@dataclass(frozen=True)
class Access:
    """What somebody sees.

    Attributes:
        action: The action of the entry, e.g. `case.form_seen`.
        object: What is seen: a case's id with its part, a user's id, a season's.
        seen: `sha256:<hex>` of what is seen; None where there is no digest of it.
    """

    action: str
    object: str
    seen: str | None = None
    season: str | None = None
    case_id: str | None = None


def resolve_org(connection: Connection, viewer: Viewer) -> Viewer:
    """Return the viewer with the unit or body that they belong to on record."""
    actor = viewer.actor
    users = tables.app_user.c
    query = select(users.org).where(users.id == actor.id, users.role == actor.role)
    return replace(viewer, actor=actor.model_copy(update={"org": connection.scalar(query)}))


def enter_access(connection: Connection, viewer: Viewer, access: Access) -> None:
    """Enter an access in the caller's transaction, before anything is shown.

    Access changes nothing, so both digests of the entry are of what was seen.

    Raises:
        Refused: `bad_reason`: the reason is too long or has control characters.
    """
    entry = AuditEntry(
        kind=EntryKind.ACCESS,
        action=access.action,
        object=access.object,
        actor=viewer.actor,
        season=access.season,
        case_id=access.case_id,
        before=access.seen,
        after=access.seen,
        reason=viewer.reason,
        request=viewer.request,
    )
    enter(connection, entry, now())
