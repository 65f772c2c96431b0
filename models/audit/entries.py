"""Audit entries: what somebody did that no event tells of.

Access, changes outside of the lifecycle, removals, changes of the signing key.
"""

from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from models.cases.actors import Actor
from models.chain import canonical_json


class EntryKind(StrEnum):
    """The kinds of audit entries; an access entry is a `look` on the wire."""

    ACCESS = "look"
    CHANGE = "change"
    REMOVAL = "removal"
    KEY = "key"


class AuditEntry(BaseModel):
    """Something that somebody did and that no event tells of.

    Attributes:
        kind, action: What was done, e.g. `look` and `case.form_revealed`.
        object: To what: a case's id with its part, a user's id, a season's.
        actor: Who did it; `org` is on whose behalf.
        season: The season it belongs to, where it belongs to one.
        case_id: The case it belongs to, where it belongs to one.
        before, after: `sha256:<hex>` of the object; of an access both are of what was seen.
        reason: The reason that the person gave. The text stays in the record; the audit has
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
    """Return the text that the audit keeps of an entry, without any free text.

    Args:
        entry_id: The id of the entry.
        entry: The entry.
        reason_digest: `sha256:<hex>` of the text of its reason; None where none was given.
        at: When it was done.
    """
    data = entry.model_dump(mode="json", exclude={"kind", "actor"})
    data |= {"actor": str(entry.actor), "on_behalf": entry.actor.org, "reason": reason_digest}
    time = at.astimezone(UTC).isoformat(timespec="microseconds")
    return canonical_json({"id": entry_id, "type": f"org.tuixuan.audit.{entry.kind}",
                           "time": time, "data": data})  # fmt: skip
