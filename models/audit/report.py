"""What a verification of the audit reports."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """Something that is not as it was written.

    Attributes:
        kind: Stable English snake_case. In the audit: `missing`, `changed`, `cut_tail`,
            `rewritten`, `anchor_missing`, `anchor_unreadable`, `digest_unreadable`,
            `digest_missing`.
            In the record: `missing`, `changed`, `removed` (without an entry that fits).
            Between them: `differs`, `not_audited`, `not_in_record`.
        where: The line: `audit:17`, `anchor:17`, `digest:2024-04-01`, a case's id, or `case:seq`.
        message: For people, in Chinese.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    where: str
    message: str


class AuditReport(BaseModel):
    """How much was verified, and what was found.

    Attributes:
        ok: Nothing was found.
        cases: Cases on record.
        records: Lines of the audit's chain.
        since: When its first line was written; None: it has none.
        signed_until: The last day up to whose end it is signed; None: no day is signed, so a
            tail that was cut off would not show.
    """

    model_config = ConfigDict(frozen=True)

    ok: bool
    cases: int
    records: int
    since: datetime | None = None
    signed_until: date | None = None
    problems: list[Problem]
