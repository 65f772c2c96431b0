"""A webhook's body stays under the 20 kB that Standard Webhooks advises."""

import pytest
from pydantic import TypeAdapter
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.events import CaseEvent, CaseEventData, case_event
from models.cases.form import Line
from models.cases.states import State
from models.stream.incoming import IncomingEvent
from services.clock import now
from services.webhooks.fan_out import MAX_BODY_BYTES
from tests.factories import SEASON
from tests.streams import incoming
from workers.webhook.handler import WebhookHandler

LONGEST_ID = "x" * 64


def longest_event(seq: int = 10**9) -> CaseEvent:
    """Return the event with the longest of everything that a case may hold."""
    at = now()
    title = TypeAdapter(Line).validate_python("𠮷" * 500)  # four bytes each
    data = CaseEventData.model_validate(
        {
            "case_id": LONGEST_ID, "seq": seq, "action": Action.MOVE_DEADLINE,
            "from": State.RECOMMENDATION, "to": State.RECOMMENDATION, "actor_role": Role.ORGANISER,
            "season": LONGEST_ID, "body": LONGEST_ID, "unit": LONGEST_ID, "category": LONGEST_ID,
            "title": title, "record_hash": "0" * 64, "deadline": at, "deadline_before": at,
            "awaited": Role.BODY, "working_days_left": 10**6,
        }
    )  # fmt: skip
    return case_event(data, at)


def come_so_far(engine: Engine) -> WebhookHandler:
    """A handler that has done all before the longest event."""
    handler = WebhookHandler(engine)
    handler.skip(incoming(longest_event(10**9 - 1).to_json()))
    return handler


@pytest.mark.usefixtures("season")
def test_the_longest_event_is_short_enough(engine: Engine) -> None:
    event = longest_event()
    assert len(event.to_json().encode()) < MAX_BODY_BYTES == 20_000
    handler = come_so_far(engine)
    assert not handler.apply([incoming(event.to_json())])
    assert handler.last_seq(LONGEST_ID) == event.data.seq
    assert event.data.season != SEASON  # nobody listens: only the length counts here


@pytest.mark.usefixtures("season")
def test_a_body_of_20_kb_is_refused_and_moves_nothing(engine: Engine) -> None:
    event, handler = longest_event(), come_so_far(engine)
    longer = event.to_json() + " " * (MAX_BODY_BYTES - len(event.to_json().encode()))
    assert len(longer.encode()) == MAX_BODY_BYTES
    with pytest.raises(ValueError, match="too long for a webhook"):
        handler.apply([IncomingEvent(event, longer, 1)])
    assert handler.last_seq(LONGEST_ID) == event.data.seq - 1
    handler.apply([IncomingEvent(event, longer[:-1], 1)])
    assert handler.last_seq(LONGEST_ID) == event.data.seq
