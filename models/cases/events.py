"""Events: what is told to the world of each thing on a case's record.

A message is CloudEvents 1.0 structured JSON that is a Standard Webhooks payload too.
It holds ids, states, roles, dates and the public title; no names, phones or texts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.cases.commands import Role
from models.cases.lifecycle import Action, State

STREAM = "TUIXUAN_EVENTS"
SUBJECTS = "tuixuan.v1.case.*.*.*"
TYPE_PREFIX = "org.tuixuan.case."
VERSION = 1


class EventName(StrEnum):
    """What happened to a case, in the past tense."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SENT_BACK = "sent_back"
    RECOMMENDED = "recommended"
    LEFT_OUT = "left_out"
    CORRECTION_REQUESTED = "correction_requested"
    RESUBMITTED = "resubmitted"
    FORMAL_CHECK_PASSED = "formal_check_passed"
    FORMAL_CHECK_FAILED = "formal_check_failed"
    SHORTLISTED = "shortlisted"
    SELECTED = "selected"
    NOT_SELECTED = "not_selected"
    PUBLISHED = "published"
    DISQUALIFIED = "disqualified"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    DEADLINE_APPROACHING = "deadline_approaching"
    DEADLINE_PASSED = "deadline_passed"
    DEADLINE_MOVED = "deadline_moved"


EVENT_OF: Mapping[Action, EventName] = {
    Action.SUBMIT: EventName.SUBMITTED,
    Action.RETURN_FOR_REVISION: EventName.RETURNED,
    Action.ACCEPT: EventName.ACCEPTED,
    Action.DECLINE: EventName.DECLINED,
    Action.SEND_BACK: EventName.SENT_BACK,
    Action.RECOMMEND: EventName.RECOMMENDED,
    Action.LEAVE_OUT: EventName.LEFT_OUT,
    Action.REQUEST_CORRECTION: EventName.CORRECTION_REQUESTED,
    Action.RESUBMIT: EventName.RESUBMITTED,
    Action.PASS_FORMAL_CHECK: EventName.FORMAL_CHECK_PASSED,
    Action.FAIL_FORMAL_CHECK: EventName.FORMAL_CHECK_FAILED,
    Action.SHORTLIST: EventName.SHORTLISTED,
    Action.SELECT: EventName.SELECTED,
    Action.NOT_SELECT: EventName.NOT_SELECTED,
    Action.PUBLISH: EventName.PUBLISHED,
    Action.DISQUALIFY: EventName.DISQUALIFIED,
    Action.WITHDRAW: EventName.WITHDRAWN,
    Action.LAPSE: EventName.LAPSED,
    Action.REMIND: EventName.DEADLINE_APPROACHING,
    Action.EXPIRE: EventName.DEADLINE_PASSED,
    Action.MOVE_DEADLINE: EventName.DEADLINE_MOVED,
}


class CaseEventData(BaseModel):
    """What every case event says.

    Attributes:
        source: The state before.
        target: The state after; the same for what moves nothing.
        deadline: When what is awaited now is due (exclusive); None: nothing is.
        deadline_before: What that was before, where a deadline was moved.
        working_days_left: For `deadline_approaching` only.
        awaited: From which role something is awaited now.
        record_hash: The hash of the line in the record that this event announces.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")

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
    deadline: datetime | None = None
    deadline_before: datetime | None = None
    working_days_left: int | None = None
    awaited: Role | None = None
    record_hash: str


class CaseEvent(BaseModel):
    """The envelope. The exact bytes of `to_json` are published, signed and audited."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


def event_id(case_id: str, seq: int) -> str:
    """Return the id that every consumer deduplicates on."""
    return f"{case_id}:{seq}"


def event_subject(name: EventName, case_id: str, seq: int) -> str:
    """Return the NATS subject, one message each for ever."""
    return f"tuixuan.v1.case.{name}.{case_id}.{seq}"


def case_event(data: CaseEventData, at: datetime) -> CaseEvent:
    """Wrap what happened at `at` into its envelope."""
    name = EVENT_OF[data.action]
    at = at.astimezone(UTC)
    return CaseEvent(
        id=event_id(data.case_id, data.seq),
        source=f"/tuixuan/call/{data.season}",
        type=f"{TYPE_PREFIX}{name}",
        subject=f"case/{data.case_id}",
        time=at,
        timestamp=at,
        dataschema=f"urn:tuixuan:event:case.{name}:{VERSION}",
        sequence=f"{data.seq:010d}",
        data=data,
    )
