"""Enter what the audit is to witness besides events, and read it again."""

import json
import re
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, RowMapping, insert, select, update

from models.audit.entries import AuditEntry, EntryKind, entry_body
from models.chain import digest_text
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import AuditEntryRow, table_of
from services.clock import new_id

ENTRIES = table_of(AuditEntryRow)
MOST_AT_ONCE = 200
LONGEST_REASON = 500

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class AuditEntryView(BaseModel):
    """A deed as auditors see it. `witnessed`: whether the audit's own store has it."""

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
    """Enter a deed in the caller's transaction, before what was asked is answered.

    Returns:
        Its id.

    Raises:
        Refused: `bad_reason`: too long, or with control characters.
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
    connection.execute(insert(ENTRIES), row)
    return entry_id


def refuse_bad_reason(reason: str | None) -> None:
    """Refuse a reason that no entry can hold.

    Raises:
        Refused: `bad_reason`: too long, or with control characters.
    """
    if reason is not None and (len(reason) > LONGEST_REASON or _CONTROL.search(reason)):
        raise Refused("bad_reason", f"理由应为一行文字，不超过 {LONGEST_REASON} 字。")


def enter_now(engine: Engine, entry: AuditEntry, at: datetime) -> str:
    """Do the same in a transaction of its own."""
    with transaction(engine) as connection:
        return enter(connection, entry, at)


def read_waiting(engine: Engine, limit: int = MOST_AT_ONCE) -> list[RowMapping]:
    """Return the rows that the audit has not got yet, the oldest first."""
    columns = ENTRIES.c
    query = select(columns.id, columns.kind, columns.case_id, columns.body)
    query = query.where(columns.witnessed_at.is_(None)).order_by(columns.id).limit(limit)
    with reading(engine) as connection:
        return list(connection.execute(query).mappings())


def mark_witnessed(engine: Engine, entry_ids: Sequence[str], at: datetime) -> None:
    """Note that the audit has these."""
    with transaction(engine) as connection:
        connection.execute(
            update(ENTRIES).where(ENTRIES.c.id.in_(entry_ids)).values(witnessed_at=at)
        )


def list_entries(  # noqa: PLR0913 - filters, each by its name
    engine: Engine,
    *,
    season: str | None = None,
    case_id: str | None = None,
    kind: str | None = None,
    actor: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> list[AuditEntryView]:
    """Return a page of deeds, the newest first.

    Args:
        engine: The record.
        season: Only of this one.
        case_id: Only of this one.
        kind: Only of this one.
        actor: Only by this one, `role:id`.
        limit: At most so many, up to `MOST_AT_ONCE`.
        after: The id of the last deed of the page before; None: from the newest.

    Raises:
        Refused: There is no such kind.
    """
    if kind is not None and kind not in set(EntryKind):
        raise Refused("unknown_kind", f"没有种类 {kind}，可选：{'、'.join(EntryKind)}。")
    columns = ENTRIES.c
    query = select(ENTRIES).order_by(columns.id.desc()).limit(min(limit, MOST_AT_ONCE))
    for column, wanted in (
        (columns.season_id, season), (columns.case_id, case_id), (columns.kind, kind),
        (columns.actor, actor),
    ):  # fmt: skip
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(columns.id < after)
    with reading(engine) as connection:
        return [_view(row) for row in connection.execute(query).mappings()]


def _view(row: RowMapping) -> AuditEntryView:
    said = json.loads(row["body"])["data"]
    return AuditEntryView(
        **said | {"reason": row["reason"]},
        id=row["id"], at=row["at"], kind=row["kind"], witnessed=row["witnessed_at"] is not None,
    )  # fmt: skip
