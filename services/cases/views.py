"""The shapes in which cases are shown; scripts rely on them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from models.cases.actions.names import Action
from models.cases.columns import Columns
from models.cases.commands import Command, FilingCommand
from models.cases.messages import CaseSnapshot
from models.cases.states import AT_WORK, AWAITED_FROM, State
from models.wording import STATES, calendar_days
from services.clock import now


class CaseView(BaseModel):
    """A case as `case show` gives it.

    Attributes:
        days_waiting: Calendar days in Beijing since it entered its state; None: it has ended.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    number: str | None
    title: str
    state: State
    state_label: str
    seq: int
    season: str
    body: str
    category: str
    deadline: datetime | None
    overdue: bool
    awaited: str | None
    since: datetime
    unit: str
    revision: int
    return_rounds: int
    days_waiting: int | None

    @classmethod
    def of(cls, row: Columns) -> Self:
        """Return the view of a row of `case_record` as of this day."""
        state = State(row["state"])
        return cls(
            id=row["id"],
            number=row["number"],
            title=row["title"],
            state=state,
            state_label=STATES[state].zh,
            seq=row["seq"],
            season=row["season_id"],
            body=row["body_id"],
            category=row["category"],
            deadline=row["deadline"],
            overdue=row["overdue"],
            awaited=AWAITED_FROM.get(state),
            since=row["since"],
            unit=row["unit_id"],
            revision=row["revision"],
            return_rounds=row["return_rounds"],
            days_waiting=calendar_days(row["since"], now()) if state in AT_WORK else None,
        )

    @classmethod
    def after(cls, row: Columns, command: Command, snapshot: CaseSnapshot) -> Self:
        """Return the view of a case after a command, from its workflow's answer.

        Args:
            row: The case's row as it was read before.
            command: What was done.
            snapshot: Where the workflow says that the case stands.
        """
        revision = command.revision if isinstance(command, FilingCommand) else row["revision"]
        return cls.of(
            {
                **row,
                "title": snapshot.title,
                "number": snapshot.number or row["number"],
                "state": snapshot.state,
                "seq": snapshot.seq,
                "category": snapshot.category or row["category"],
                "deadline": snapshot.deadline,
                "overdue": snapshot.overdue,
                "since": snapshot.since,
                "revision": revision,
                "return_rounds": snapshot.return_rounds,
            }
        )


class CaseList(BaseModel):
    """A page of cases. `next_cursor`: what to ask with for the next; None at the end."""

    items: list[CaseView]
    next_cursor: str | None


class CaseCount(BaseModel):
    """How many cases stand in a state."""

    state: State
    state_label: str
    cases: int

    @classmethod
    def of(cls, state: State, cases: int) -> Self:
        """Return it with the state's name."""
        return cls(state=state, state_label=STATES[state].zh, cases=cases)


class HistoryLine(BaseModel):
    """A line of a case's history. `deadline_before`, `deadline`: of a line that moved one."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    seq: int
    action: Action
    source: State = Field(alias="from")
    target: State = Field(alias="to")
    actor: str
    at: datetime
    reason: str | None
    hash: str
    deadline_before: datetime | None = None
    deadline: datetime | None = None


class CaseHistory(BaseModel):
    """All lines of a case's history, from the first."""

    items: list[HistoryLine]
