"""What a transition changes: the case's row, its line of history, its event. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.binding import digest_of_event
from models.cases.columns import Columns
from models.cases.commands import Command, FilingCommand
from models.cases.events import CaseEvent, CaseEventData, case_event
from models.cases.history import transition_hash
from models.cases.messages import CommitTransitionInput
from models.cases.outlook import CaseDates
from models.cases.states import AWAITED_FROM, LAPSES, State
from models.chain import GENESIS

CHANGING = (
    "state", "seq", "head_hash", "since", "due", "extended_cutoff", "deadline", "overdue",
    "return_rounds", "frozen_revision", "content_digest", "updated_at", "number",
)  # fmt: skip
"""The columns of `case_record` that a transition may change."""


class Step(NamedTuple):
    """A step of a case, as far as the case's columns follow from it."""

    action: Action
    seq: int
    target: State
    at: datetime


class Change(NamedTuple):
    """One transition, ready to be written.

    Attributes:
        line: The row of `transition`.
        case: The columns of the case afterwards.
        dates: The dates of the case afterwards.
        event: What is announced.
    """

    line: Mapping[str, Any]
    case: Columns
    dates: CaseDates
    event: CaseEvent


def change(
    case: Columns,
    dates: CaseDates,
    wanted: CommitTransitionInput,
    command: Command,
    reason: str | None,
) -> Change:
    """Return what `wanted` changes.

    Args:
        case: The row of the case before, with the number that it gets now.
        dates: Its dates before.
        wanted: The transition, next after the case's newest line.
        command: Its command, parsed.
        reason: The text that the command names by its digest.
    """
    step = Step(wanted.action, wanted.seq, wanted.target, wanted.at)
    after = {**case, **changed_columns(case, step, command)}
    dates_after = replace(dates, extended_cutoff=after["extended_cutoff"])
    deadline = dates_after.deadline(wanted.target, after["due"])
    after |= {"deadline": deadline} | overdue_then(step, deadline)
    said = _event_data(case, after, wanted, command)
    line = _line(case, wanted, command, reason, _event(said, GENESIS, wanted.at))
    after["head_hash"] = line["hash"]
    return Change(line, after, dates_after, _event(said, line["hash"], wanted.at))


def _line(
    case: Columns,
    wanted: CommitTransitionInput,
    command: Command,
    reason: str | None,
    event: CaseEvent,
) -> dict[str, Any]:
    content = command.content if isinstance(command, FilingCommand) else case["content_digest"]
    line: dict[str, Any] = {
        "case_id": wanted.case_id,
        "seq": wanted.seq,
        "update_id": wanted.update_id,
        "action": wanted.action,
        "source": wanted.source,
        "target": wanted.target,
        "actor_role": command.actor.role,
        "actor_id": command.actor.id,
        "at": wanted.at,
        "reason": reason,
        "command": dict(wanted.command),
        "command_digest": command.digest,
        "content_digest": content,
        "event_digest": digest_of_event(event.to_json()),
        "previous_hash": case["head_hash"],
    }
    return {**line, "hash": transition_hash(line)}


def changed_columns(case: Columns, step: Step, command: Command) -> dict[str, Any]:
    """Return the columns of a case that a step changes, but for what its dates say."""
    declared = ACTIONS[step.action]
    changes: dict[str, Any] = {"seq": step.seq, "updated_at": step.at}
    if not declared.is_note:
        changes |= {"state": step.target, "since": step.at, "due": None, "overdue": False}
    return changes | declared.changes(case, command)


def overdue_then(step: Step, deadline: datetime | None) -> dict[str, bool]:
    """Return whether a case is overdue after a step; nothing where the step leaves it as it was.

    Whoever takes a case over late knows it; the passing itself is told only once.
    """
    if ACTIONS[step.action].is_note or step.target in LAPSES:
        return {}
    return {"overdue": deadline is not None and deadline <= step.at}


def _event_data(
    case: Columns, after: Columns, wanted: CommitTransitionInput, command: Command
) -> dict[str, Any]:
    """Return what the event says, but for the hash of its line."""
    return {
        "case_id": wanted.case_id,
        "seq": wanted.seq,
        "action": wanted.action,
        "from": wanted.source,
        "to": wanted.target,
        "actor_role": command.actor.role,
        "season": case["season_id"],
        "body": case["body_id"],
        "unit": case["unit_id"],
        "category": case["category"],
        "title": case["title"],
        "number": after["number"],
        "deadline": after["deadline"],
        "awaited": AWAITED_FROM.get(wanted.target),
        **ACTIONS[wanted.action].event_data(case, command),
    }


def _event(said: Mapping[str, Any], line_hash: str, at: datetime) -> CaseEvent:
    return case_event(CaseEventData.model_validate({**said, "record_hash": line_hash}), at)
