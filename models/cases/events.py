"""Events: what is told to the world of each thing on a case's record.

A message is CloudEvents 1.0 structured JSON that is a Standard Webhooks payload too.
It holds ids, states, roles, dates and the public title; no names, phones or texts.
"""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS
from models.cases.actors import Role
from models.cases.states import State
from models.ids import case_path, event_id

TYPE_PREFIX = "org.tuixuan.case."
VERSION = 1


class CaseEventData(BaseModel):
    """What every case event says.

    Attributes:
        source: The state before.
        target: The state after; the same for what moves nothing.
        deadline: When what is awaited now is due (exclusive); None: nothing is.
        deadline_before: What that was before, where a deadline was moved.
        working_days_left: For `deadline_approaching` only.
        awaited: From which role something is awaited now.
        number: How people call the case; from its first submission on.
        record_hash: The hash of the line in the record that this event announces.
    """

    # Whoever reads ignores what a later version of the program added: v1 only adds fields.
    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    case_id: str
    seq: int = Field(ge=1)
    action: Action
    source: State = Field(alias="from")
    target: State = Field(alias="to")
    actor_role: Role
    season: str
    body: str
    unit: str
    category: str
    title: str
    number: str | None = None
    deadline: datetime | None = None
    deadline_before: datetime | None = None
    working_days_left: int | None = None
    awaited: Role | None = None
    record_hash: str


class CaseEvent(BaseModel):
    """The envelope. The exact bytes of `to_json` are published, signed and audited."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    timestamp: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    sequence: str
    data: CaseEventData

    @property
    def name(self) -> EventName:
        """The event's name, without the prefix of its type."""
        return EventName(self.type.removeprefix(TYPE_PREFIX))

    def to_json(self) -> str:
        """Return the message's one text."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


def case_event(data: CaseEventData, at: datetime) -> CaseEvent:
    """Wrap what happened at `at` into its envelope."""
    name = ACTIONS[data.action].event
    at = at.astimezone(UTC)
    return CaseEvent(
        id=event_id(data.case_id, data.seq),
        source=f"/tuixuan/call/{data.season}",
        type=f"{TYPE_PREFIX}{name}",
        subject=case_path(data.case_id),
        time=at,
        timestamp=at,
        dataschema=f"urn:tuixuan:event:case.{name}:{VERSION}",
        sequence=f"{data.seq:010d}",
        data=data,
    )
