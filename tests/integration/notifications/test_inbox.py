"""The inbox and the list of deliveries, as people page through them."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from models.cases.states import State
from models.notifications.delivery import DeliveryStatus
from models.refusals import Refused
from services.notifications.deliveries import deliveries
from services.notifications.inbox import inbox, mark_read
from services.people.users import (
    set_email,
)
from tests.factories import OPENS
from tests.integration.notifications.notified import (
    FUJIAN,
    PANEL,
    new_case,
    notify_of,
    unit_of,
)


@pytest.mark.usefixtures("season")
class TestInbox:
    def test_it_is_read_page_by_page_the_newest_first(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PUBLISHED)
        notify_of(engine, case_id)
        user = unit_of(engine, case_id)
        everything = inbox(engine, user)

        first = inbox(engine, user, limit=3)
        second = inbox(engine, user, limit=3, after=first[-1].id)
        third = inbox(engine, user, limit=3, after=second[-1].id)

        assert everything[0].event == "published"
        assert first + second + third == everything
        assert inbox(engine, user, after=third[-1].id) == []

    def test_a_message_is_marked_read_by_its_owner_and_once(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        notify_of(engine, case_id)
        user = unit_of(engine, case_id)
        (message,) = inbox(engine, user)

        assert mark_read(engine, FUJIAN, [message.id], OPENS) == 0
        assert mark_read(engine, user, [message.id], OPENS) == 1
        assert mark_read(engine, user, [message.id], OPENS + timedelta(days=1)) == 0
        assert inbox(engine, user)[0].read_at == OPENS

    def test_whom_nobody_knows_has_no_inbox(self, engine: Engine) -> None:
        with pytest.raises(Refused, match="unknown_user"):
            inbox(engine, "nobody")
        with pytest.raises(Refused, match="unknown_user"):
            mark_read(engine, "nobody", [], OPENS)
        with pytest.raises(Refused, match="unknown_user"):
            set_email(engine, "nobody", None)

    def test_deliveries_are_found_by_what_is_known_of_them(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        notify_of(engine, case_id)

        recommended, submitted = deliveries(engine)

        assert (submitted.event_id, recommended.event_id) == (f"{case_id}:1", f"{case_id}:3")
        assert deliveries(engine, event_id=f"{case_id}:3") == [recommended]
        assert deliveries(engine, limit=1) == [recommended]
        assert deliveries(engine, limit=1, after=recommended.id) == [submitted]
        assert (
            deliveries(engine, status=DeliveryStatus.FAILED)
            == deliveries(engine, user_id=PANEL)
            == []
        )
        assert "example.invalid" not in submitted.model_dump_json()
