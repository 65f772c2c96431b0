"""Where a case stands, worked out from its history alone, to be held against what its row says.

Pure. The row serves lists and searches; the history is under hashes, and so is each event.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from models.cases.actions.names import Action
from models.cases.actions.registry import parse_command
from models.cases.changes import Step, changed_columns, overdue_then
from models.cases.states import State
from models.chain import GENESIS

DERIVED = (
    "state", "seq", "head_hash", "since", "due", "extended_cutoff", "deadline", "overdue",
    "return_rounds", "frozen_revision", "content_digest",
)  # fmt: skip
"""The columns of `case_record` that follow from the history."""

_DRAFT: Mapping[str, Any] = {
    "state": State.DRAFT, "seq": 0, "head_hash": GENESIS, "due": None, "extended_cutoff": None,
    "overdue": False, "return_rounds": 0, "frozen_revision": None, "content_digest": None,
}  # fmt: skip


def derived(
    case: Mapping[Any, Any],
    lines: Iterable[Mapping[Any, Any]],
    deadlines: Mapping[int, datetime | None],
) -> dict[str, Any]:
    """Return the columns of a case that its history gives.

    Args:
        case: Its row, for what no action ever changes.
        lines: Its rows of `transition`, from the first on.
        deadlines: The deadline after each line, by seq, as its event says it.

    Returns:
        Those of `DERIVED`; of a draft that no action touched all but `since` and `deadline`.

    Raises:
        ValueError: A line cannot be read.
        KeyError: A line has no event.
    """
    columns = {**case, **_DRAFT}
    known = set(_DRAFT)
    for line in lines:
        step = Step(Action(line["action"]), line["seq"], State(line["target"]), line["at"])
        command = parse_command(step.action, line["command"])
        columns |= changed_columns(columns, step, command)
        columns["deadline"] = deadlines[step.seq]
        columns |= overdue_then(step, columns["deadline"])
        columns["head_hash"] = line["hash"]
        known = set(DERIVED)
    return {name: columns[name] for name in DERIVED if name in known}
