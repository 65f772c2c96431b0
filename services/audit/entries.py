"""Audit entries: enter what somebody did that no event tells of, and list it again."""

import json
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, RowMapping, insert, select, update

from models import tables
from models.audit.entries import AuditEntry, EntryKind, entry_body
from models.chain import digest_text
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.text.entry import require_fit
from models.wording import AUDIT_KINDS, choices, code_of
from services.clock import new_id

MOST_AT_ONCE = 200
LONGEST_REASON = 500


class AuditEntryView(BaseModel):
    """An audit entry as auditors see it. `witnessed`: the audit's own store has it."""

    model_config = ConfigDict(frozen=True)

    id: str
    at: datetime
    kind: EntryKind
    action: str
    object: str
    actor: str
    on_behalf: str | None
    season: str | None
    case_id: str | None
    before: str | None
    after: str | None
    reason: str | None
    request: str
    witnessed: bool


def enter(connection: Connection, entry: AuditEntry, at: datetime) -> str:
    """Enter something in the caller's transaction, before what was asked is answered.

    Returns:
        The id of the entry.

    Raises:
        Refused: `bad_reason` or `unfit_text`.
    """
    refuse_bad_reason(entry.reason)
    entry_id = new_id("deed")
    reason = None if entry.reason is None else digest_text(entry.reason)
    row = {
        "id": entry_id,
        "kind": entry.kind,
        "season_id": entry.season,
        "case_id": entry.case_id,
        "actor": str(entry.actor),
        "body": entry_body(entry_id, entry, reason, at),
        "reason": entry.reason,
        "at": at,
    }
    connection.execute(insert(tables.deed), row)
    return entry_id


def enter_now(engine: Engine, entry: AuditEntry, at: datetime) -> str:
    """Enter something in a transaction of its own; otherwise as `enter`."""
    with transaction(engine) as connection:
        return enter(connection, entry, at)


def refuse_bad_reason(reason: str | None) -> None:
    """Refuse a reason that no entry can hold.

    Raises:
        Refused: `bad_reason`: too long; `unfit_text`: not one line, or with characters that
            nobody sees.
    """
    if reason is None:
        return
    require_fit(reason, "理由")
    if len(reason) > LONGEST_REASON:
        raise Refused("bad_reason", f"理由应为一行文字，不超过 {LONGEST_REASON} 字。")


def read_waiting(engine: Engine, limit: int = MOST_AT_ONCE) -> list[RowMapping]:
    """Return the rows that the audit has not witnessed yet, the oldest first."""
    columns = tables.deed.c
    query = select(columns.id, columns.kind, columns.case_id, columns.body)
    query = query.where(columns.witnessed_at.is_(None)).order_by(columns.id).limit(limit)
    with reading(engine) as connection:
        return list(connection.execute(query).mappings())


def mark_witnessed(engine: Engine, entry_ids: Sequence[str], at: datetime) -> None:
    """Note that the audit has witnessed these."""
    witnessed = update(tables.deed).where(tables.deed.c.id.in_(entry_ids))
    with transaction(engine) as connection:
        connection.execute(witnessed.values(witnessed_at=at))


def list_entries(  # noqa: PLR0913 - filters, each by its name
    engine: Engine,
    *,
    season: str | None = None,
    case_id: str | None = None,
    kind: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
    after: str | None = None,
) -> list[AuditEntryView]:
    """Return a page of audit entries, the newest first.

    Args:
        engine: The record.
        season: Only those of this season.
        case_id: Only those of this case.
        kind: Only those of this kind.
        actor: Only those by this actor, `role:id`.
        since: Only those from this instant on.
        limit: The most entries, up to `MOST_AT_ONCE`.
        after: The id of the last entry of the page before; None: from the newest.

    Raises:
        Refused: `unknown_kind`.
    """
    if kind is not None:
        kind = _known_kind(kind)
    columns = tables.deed.c
    wanted = {"season_id": season, "case_id": case_id, "kind": kind, "actor": actor}
    query = select(tables.deed).order_by(columns.id.desc()).limit(min(limit, MOST_AT_ONCE))
    query = query.filter_by(**{name: value for name, value in wanted.items() if value is not None})
    if since is not None:
        query = query.where(columns.at >= since)
    if after is not None:
        query = query.where(columns.id < after)
    with reading(engine) as connection:
        return [_view(row) for row in connection.execute(query).mappings()]


def _known_kind(typed: str) -> str:
    found = code_of(typed, EntryKind, AUDIT_KINDS)
    if found is None:
        known = choices(EntryKind, AUDIT_KINDS)
        raise Refused("unknown_kind", f"没有种类 {typed}，可选：{known}。")
    return found


def _view(row: RowMapping) -> AuditEntryView:
    said = json.loads(row["body"])["data"]
    return AuditEntryView(
        **said | {"reason": row["reason"]},
        id=row["id"], at=row["at"], kind=row["kind"], witnessed=row["witnessed_at"] is not None,
    )  # fmt: skip
