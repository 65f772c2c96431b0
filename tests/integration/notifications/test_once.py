"""Of each event everybody is notified once, however often it comes."""

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, delete
from structlog.testing import capture_logs

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.states import State
from models.store.engine import transaction
from models.stream.incoming import IncomingEvent
from services.notifications import fan_out
from services.notifications.deliveries import deliveries
from services.people.users import (
    add_user,
    set_email,
)
from tests.factories import OPENS, commit, form, keep_reason
from tests.integration.notifications.notified import (
    FUJIAN,
    count,
    cursor,
    events,
    heard,
    new_case,
    notify_of,
    unit_of,
)
from workers.notify.handler import NotifyHandler

REASON = "（示例）请补充用户规模，联系 13800000000。"


@pytest.mark.usefixtures("season")
class TestOnce:
    def test_an_event_told_again_tells_nobody_again(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)

        notify_of(engine, case_id)
        notify_of(engine, case_id)

        assert heard(engine, FUJIAN) == ["submitted"]
        assert count(engine, tables.delivery) == 1

    def test_a_lost_cursor_tells_nobody_again(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        notify_of(engine, case_id)
        messages, mails = count(engine, tables.inbox_message), count(engine, tables.delivery)
        with transaction(engine) as connection:
            connection.execute(delete(tables.consumer_cursor))

        notify_of(engine, case_id)

        assert (count(engine, tables.inbox_message), count(engine, tables.delivery)) == (
            messages,
            mails,
        )
        assert cursor(engine, case_id) == 3

    def test_events_out_of_order_are_all_told(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        handler = NotifyHandler(engine)

        for event, body in reversed(events(engine, case_id)):
            handler.apply([IncomingEvent(event, body, event.data.seq)])

        assert sorted(heard(engine, unit_of(engine, case_id))) == [
            "accepted",
            "recommended",
            "submitted",
        ]
        assert cursor(engine, case_id) == 3

    def test_who_comes_later_is_not_told_of_what_was_before(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        notify_of(engine, case_id)
        with transaction(engine) as connection:
            add_user(
                connection, id="new", season_id="2024", role=Role.BODY, org="fujian",
                name="虚构的人", email=None, at=OPENS,
            )  # fmt: skip

        notify_of(engine, case_id)

        assert heard(engine, "new") == []

    def test_two_workers_at_once_tell_it_once(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)

        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(notify_of, engine, case_id) for _ in range(8)]:
                done.result()

        assert heard(engine, FUJIAN) == ["submitted"]
        assert count(engine, tables.delivery) == 1

    def test_what_fails_in_the_middle_leaves_nothing_behind(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)

        with (
            patch.object(fan_out, "_delivery", side_effect=RuntimeError),  # after the messages
            pytest.raises(RuntimeError),
        ):
            notify_of(engine, case_id)

        assert count(engine, tables.inbox_message) == count(engine, tables.consumer_cursor) == 0
        notify_of(engine, case_id)
        assert heard(engine, FUJIAN) == ["submitted"]


@pytest.mark.usefixtures("season")
class TestMails:
    def test_those_with_an_address_get_a_mail_and_the_sender_is_woken(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.RECOMMENDATION)
        woken: list[str] = []

        notify_of(engine, case_id, NotifyHandler(engine, notified=lambda: woken.append("now")))

        assert [(item.recipient, item.event_id, item.status) for item in deliveries(engine)] == [
            (FUJIAN, f"{case_id}:1", "waiting")
        ]
        assert woken == ["now"]

    def test_nothing_personal_is_logged(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        reason = keep_reason(engine, case_id, REASON)
        commit(engine, case_id, Action.RETURN_FOR_REVISION, reason=reason)

        with capture_logs() as logs:
            notify_of(engine, case_id)

        told = [log["event_id"] for log in logs if log["event"] == "event_told"]
        assert told == [f"{case_id}:1", f"{case_id}:2"]
        filed = form()
        for personal in (
            "example.invalid", "13800000000", REASON, filed.contact_name, filed.contact_mobile,
        ):  # fmt: skip
            assert personal not in repr(logs)
