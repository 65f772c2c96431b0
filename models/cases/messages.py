"""What passes between a case's workflow and the record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.agenda import Agenda
from models.cases.commands import Command
from models.cases.states import State

RECENT = 3
"""How many of the last transitions a workflow shows to operations."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class StoredTransition(_Message):
    """One line of a case's history as the record holds it."""

    case_id: str
    seq: int
    update_id: str
    action: Action
    source: State
    target: State
    actor_role: Role
    actor_id: str
    at: datetime
    command_digest: str
    hash: str


class Outlook(_Message):
    """What the record says lies ahead of a case, as of its newest transition.

    Attributes:
        title: The public title.
        unit: The applicant's unit.
        cutoff: When filing ends for this case (exclusive).
        national_cutoff: When recommending ends (exclusive).
        deadline: When what is awaited now is due (exclusive); None: nothing is.
        overdue: Whether that deadline passed and the case waits on.
        return_rounds: How often the case was given back to its applicant.
        agenda: What is to be done, and when.
        screening: The points that a body answers before it accepts.
        list_sealed: Whether the case came through a sealed list.
        number: How people call the case; None before its first submission.
    """

    title: str
    unit: str
    category: str
    cutoff: datetime
    national_cutoff: datetime
    deadline: datetime | None
    overdue: bool
    return_rounds: int
    agenda: Agenda
    screening: tuple[str, ...]
    list_sealed: bool
    number: str | None = None


class Standing(_Message):
    """Where a case stands: all that a workflow needs to start, or to go on anew."""

    case_id: str
    season: str
    body: str
    state: State
    seq: int
    since: datetime
    recent: tuple[StoredTransition, ...]
    outlook: Outlook

    def after(self, result: "CommitTransitionResult") -> "Standing":
        """Return where the case stands once what the record returned is taken in."""
        changes: dict[str, Any] = {
            "recent": (*self.recent, *result.rows)[-RECENT:],
            "outlook": result.outlook,
        }
        if result.rows:
            changes |= {"seq": result.rows[-1].seq, "state": result.rows[-1].target}
        moved = [row.at for row in result.rows if row.source != row.target]
        if moved:
            changes["since"] = moved[-1]
        return self.model_copy(update=changes)


class CommitTransitionInput(_Message):
    """A transition that the machine decided, to be put on record under (case, seq)."""

    case_id: str
    seq: int
    update_id: str
    action: Action
    source: State
    target: State
    at: datetime
    command: Mapping[str, JsonValue]

    @classmethod
    def of(  # noqa: PLR0913 - what a line of history holds
        cls,
        standing: "Standing",
        update_id: str,
        action: Action,
        target: State,
        at: datetime,
        command: Command,
    ) -> "CommitTransitionInput":
        """Return the next transition of a case that stands at `standing`."""
        return cls(
            case_id=standing.case_id,
            seq=standing.seq + 1,
            update_id=update_id,
            action=action,
            source=standing.state,
            target=target,
            at=at,
            command=command.model_dump(mode="json"),
        )


class Refusal(_Message):
    """A refusal by what only the record knows, such as the stored form."""

    code: str
    message: str


class CommitTransitionResult(_Message):
    """What stands on record.

    Attributes:
        rows: All transitions from the asked seq on, in order: the update's own, or
            others' that the workflow has to adopt.
        answered: Whether this very update is on record, now or from before.
        refusal: Why nothing was written, where the record is against it.
        outlook: What lies ahead, as of the newest row.
    """

    rows: tuple[StoredTransition, ...]
    answered: bool
    refusal: Refusal | None
    outlook: Outlook


class CaseSnapshot(_Message):
    """What a caller and the `snapshot` query see of a case."""

    case_id: str
    season: str
    body: str
    title: str
    state: State
    seq: int
    since: datetime
    deadline: datetime | None
    overdue: bool
    return_rounds: int
    agenda: Agenda
    category: str = ""
    number: str | None = None

    @classmethod
    def of(cls, case: Standing) -> "CaseSnapshot":
        """Return what a standing shows."""
        ahead = case.outlook
        return cls(
            case_id=case.case_id,
            season=case.season,
            body=case.body,
            title=ahead.title,
            state=case.state,
            seq=case.seq,
            since=case.since,
            deadline=ahead.deadline,
            overdue=ahead.overdue,
            return_rounds=ahead.return_rounds,
            agenda=ahead.agenda,
            category=ahead.category,
            number=ahead.number,
        )
