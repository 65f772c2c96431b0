"""What the audit witnesses besides events: looks, changes outside of the lifecycle, removals."""

from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from models.cases.actors import Actor
from models.chain import canonical_json


class EntryKind(StrEnum):
    """What sort of deed the audit witnessed."""

    ACCESS = "look"
    CHANGE = "change"
    REMOVAL = "removal"
    KEY = "key"


class AuditEntry(BaseModel):
    """One thing that somebody did and that no event tells of.

    Attributes:
        kind, action: What, e.g. `look` and `case.form_revealed`.
        object: On what: a case's id with its part, a user's id, a season's.
        actor: Who; `org` is on whose behalf.
        season: The season it belongs to, where it belongs to one.
        case_id: The case it belongs to, where it belongs to one.
        before, after: `sha256:<hex>` of the object; of a look both are of what was seen.
        reason: What the person gave as their reason. It stays in the record; the audit has
            its digest.
        request: The id of the request.
    """

    model_config = ConfigDict(frozen=True)

    kind: EntryKind
    action: str
    object: str
    actor: Actor
    season: str | None = None
    case_id: str | None = None
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    request: str


def entry_body(entry_id: str, entry: AuditEntry, reason_digest: str | None, at: datetime) -> str:
    """Return the text that the audit keeps of a deed, without any free text.

    Args:
        entry_id: Its id.
        entry: The entry.
        reason_digest: `sha256:<hex>` of its reason's text; None: none was given.
        at: When.
    """
    data = entry.model_dump(mode="json", exclude={"kind", "actor"})
    data |= {"actor": str(entry.actor), "on_behalf": entry.actor.org, "reason": reason_digest}
    time = at.astimezone(UTC).isoformat(timespec="microseconds")
    return canonical_json({"id": entry_id, "type": f"org.tuixuan.audit.{entry.kind}",
                           "time": time, "data": data})  # fmt: skip
