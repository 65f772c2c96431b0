"""What is announced: one event for each action, read by the CloudEvents SDK as it stands."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS
from models.cases.actors import Role
from models.cases.events import (
    CaseEvent,
    CaseEventData,
    case_event,
)
from models.cases.states import State

AT = datetime(2024, 5, 10, 3, 2, 1, tzinfo=UTC)
CASE = "case_01J8ZK3Q7M0000000000000000"


def data(action: Action = Action.SUBMIT) -> CaseEventData:
    return CaseEventData.model_validate(
        {
            "case_id": CASE,
            "seq": 7,
            "action": action,
            "from": State.DRAFT,
            "to": State.PROVINCE_REVIEW,
            "actor_role": Role.APPLICANT,
            "season": "2024",
            "body": "fujian",
            "unit": "unit_1",
            "category": "smart-home",
            "title": "“山海到家”",
            "awaited": Role.BODY,
            "record_hash": "sha256:1",
        }
    )


@pytest.mark.parametrize("action", Action)
def test_every_action_is_a_cloud_event(action: Action) -> None:
    event = case_event(data(action), AT)
    read = JSONFormat().read(CloudEvent, event.to_json())
    assert read.get_id() == f"{CASE}:7"
    assert read.get_type() == f"org.tuixuan.case.{ACTIONS[action].event}"
    assert read.get_source() == "/tuixuan/call/2024"
    assert read.get_subject() == f"case/{CASE}"
    assert read.get_time() == AT
    assert read.get_extension("sequence") == "0000000007"
    said = read.get_data()
    assert isinstance(said, dict)
    assert (said["from"], said["to"]) == ("draft", "province_review")


def test_each_action_has_an_event_of_its_own() -> None:
    assert list(ACTIONS) == list(Action)
    assert sorted(each.event for each in ACTIONS.values()) == sorted(EventName)


def test_the_text_comes_back_as_the_same_event() -> None:
    event = case_event(data(), AT)
    assert CaseEvent.model_validate_json(event.to_json()) == event
    assert event.name is EventName.SUBMITTED


def test_times_are_utc_wherever_they_come_from() -> None:
    beijing = AT.astimezone(timezone(timedelta(hours=8)))
    assert case_event(data(), beijing).to_json() == case_event(data(), AT).to_json()
