"""Names that histories and servers keep for months: changing one breaks what is running."""

from typing import Final

from models.ids import case_path

NAMESPACE: Final = "tuixuan"
TASK_QUEUE: Final = "tuixuan-cases"
RECONCILE_QUEUE: Final = "tuixuan-reconcile"

CASE_WORKFLOW: Final = "Case"
COMMIT_TRANSITION: Final = "commit_transition"
READ_STANDING: Final = "read_standing"
CATCH_UP: Final = "catch_up"
SNAPSHOT: Final = "snapshot"
REFUSED: Final = "Refused"

RECONCILE_WORKFLOW: Final = "Reconcile"
RECONCILE: Final = "reconcile"
RECONCILE_SCHEDULE: Final = "tuixuan-reconcile"

TIMER_UPDATE: Final = "timer:"
"""What update ids begin with when the case's own clock acts."""

CONTINUES_FROM_RECORD: Final = "continue-from-record-2026-11"
"""A new run of a long life begins with what the record says, not with what the old one knew."""

CANCELLATION_NOTED: Final = "cancellation-noted-2026-11"
"""A request to cancel is noted, and the case goes on; before, its workflow ended."""

PATCHES: Final = (CONTINUES_FROM_RECORD, CANCELLATION_NOTED)
"""Changes of the order of commands since the first recorded histories; none is ever removed
while a case runs that began before it."""

SEARCH_ATTRIBUTES: Final[dict[str, str]] = {
    "CaseState": "Keyword",
    "CaseSeq": "Int",
    "Season": "Keyword",
    "Category": "Keyword",
    "Body": "Keyword",
    "Deadline": "Datetime",
    "Overdue": "Bool",
    "ReturnRounds": "Int",
}
"""What operations filter by: name and type, as the server is told at its start."""


def case_workflow_id(case_id: str) -> str:
    """Return the workflow id of a case."""
    return case_path(case_id)
