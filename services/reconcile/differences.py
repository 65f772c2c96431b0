"""Differences between the stores, as people and programs are told of them."""

from typing import Literal

from pydantic import BaseModel

type Kind = Literal[
    "workflow_behind", "workflow_missing", "record_behind", "stream_behind", "stream_ahead",
    "not_announced",
    "audit_behind", "audit_gap", "audit_ahead", "deadline_stale", "agenda_behind",
]  # fmt: skip
"""What can differ; docs/operations.md says what to do about each."""


class Difference(BaseModel):
    """A difference between two of the four.

    Attributes:
        kind: What differs.
        case_id: The case.
        message: What differs and what was done, in Chinese.
        repaired: They agree now, or will by themselves.
    """

    kind: Kind
    case_id: str
    message: str
    repaired: bool


class ReconcileReport(BaseModel):
    """What a comparison found. `ok`: nothing is left that differs."""

    ok: bool
    cases: int
    differences: list[Difference]

    @property
    def unrepaired(self) -> int:
        """How many differences are left."""
        return sum(not each.repaired for each in self.differences)

    @property
    def workflows_missing(self) -> int:
        """How many open cases had no running workflow, started anew or not."""
        return sum(each.kind == "workflow_missing" for each in self.differences)


def difference(kind: Kind, case_id: str, message: str, *, repaired: bool = False) -> Difference:
    """Return a difference."""
    return Difference(kind=kind, case_id=case_id, message=message, repaired=repaired)
