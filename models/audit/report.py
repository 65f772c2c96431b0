"""What a verification of the audit says."""

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """One thing that is not as it was written.

    Attributes:
        kind: Stable English snake_case. In the audit: `missing`, `changed`, `cut_tail`,
            `rewritten`, `anchor_missing`, `anchor_unreadable`, `digest_unreadable`,
            `digest_missing`.
            In the record: `missing`, `changed`, `removed` (without a deed that fits).
            Between them: `differs`, `not_audited`, `not_in_record`.
        where: The line: `audit:17`, `anchor:17`, `digest:2024-04-01`, a case's id, or `case:seq`.
        message: For people, in Chinese.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    where: str
    message: str


class AuditReport(BaseModel):
    """What was looked at, and what was found. `ok`: nothing.

    Attributes:
        cases: Cases on record.
        records: Lines of the audit.
    """

    model_config = ConfigDict(frozen=True)

    ok: bool
    cases: int
    records: int
    problems: list[Problem]
