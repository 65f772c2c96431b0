"""Who is notified of which event, once, in the transaction of its cursor."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, delete
from structlog.testing import capture_logs

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.states import State
from models.store.engine import reading, transaction
from services.notifications import fan_out
from services.notifications.deliveries import deliveries
from services.notifications.inbox import inbox
from services.notifications.recipients import concerned_by
from services.people.users import (
    add_user,
    enter_user,
    set_email,
)
from tests.factories import OPENS, commit, form, keep_reason, open_season
from tests.integration.notifications.notified import (
    EXPERT,
    FUJIAN,
    ORGANISER,
    PANEL,
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
class TestNotifying:
    def test_the_way_of_a_case_is_told_to_each_as_it_concerns_them(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PUBLISHED)

        notify_of(engine, case_id)

        assert heard(engine, unit_of(engine, case_id)) == [
            "submitted", "accepted", "recommended", "formal_check_passed", "shortlisted",
            "selected", "published",
        ]  # fmt: skip
        assert heard(engine, FUJIAN) == [
            "submitted", "recommended", "formal_check_passed", "shortlisted", "selected",
            "published",
        ]  # fmt: skip
        assert heard(engine, ORGANISER) == ["recommended", "selected", "published"]
        assert heard(engine, PANEL) == ["formal_check_passed", "shortlisted"]
        assert cursor(engine, case_id) == 7

    def test_other_units_bodies_and_seasons_hear_nothing(self, engine: Engine) -> None:
        open_season(engine, season="2023")
        other = new_case(engine)
        case_id = new_case(engine, state=State.FORMAL_CHECK)

        notify_of(engine, case_id)

        assert heard(engine, unit_of(engine, case_id)) != []
        for nobody in (unit_of(engine, other), "2024-hunan", "2023-fujian", "2023-organiser"):
            assert heard(engine, nobody) == []

    def test_everybody_of_a_unit_is_told(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        with transaction(engine) as connection:
            add_user(
                connection, id="second", season_id="2024", role=Role.APPLICANT,
                org=unit_of(engine, case_id), name="虚构的人", email=None, at=OPENS,
            )  # fmt: skip

        notify_of(engine, case_id)

        assert heard(engine, "second") == heard(engine, unit_of(engine, case_id)) == ["submitted"]

    def test_a_returned_case_comes_with_its_reason(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        reason = keep_reason(engine, case_id, REASON)
        commit(engine, case_id, Action.RETURN_FOR_REVISION, reason=reason)

        notify_of(engine, case_id)

        (returned, submitted) = inbox(engine, unit_of(engine, case_id))
        assert f"说明：{REASON}\n" in returned.text
        assert returned.at == OPENS + timedelta(hours=2)
        assert REASON not in submitted.text

    def test_a_reminder_reaches_the_awaited_alone(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        commit(engine, case_id, Action.REMIND, deadline=OPENS + timedelta(days=9), offset=3)

        notify_of(engine, case_id)

        assert heard(engine, FUJIAN) == ["submitted", "deadline_approaching"]
        assert heard(engine, unit_of(engine, case_id)) == ["submitted"]
        assert "剩 3 个工作日" in inbox(engine, FUJIAN)[0].subject

    def test_an_applicant_is_reminded_to_come_prepared_and_not_that_a_defence_is_overdue(
        self, engine: Engine
    ) -> None:
        case_id = new_case(engine, state=State.ORAL_DEFENSE)
        due = OPENS + timedelta(days=9)
        commit(engine, case_id, Action.REMIND, deadline=due, offset=3)
        notify_of(engine, case_id)
        commit(engine, case_id, Action.EXPIRE, deadline=due)
        notify_of(engine, case_id)

        unit = unit_of(engine, case_id)
        assert heard(engine, unit)[-2:] == ["shortlisted", "deadline_approaching"]
        assert "待办：准备现场答辩材料" in inbox(engine, unit)[0].text
        assert heard(engine, PANEL)[-1] == "deadline_passed"

    def test_experts_hear_of_what_awaits_their_scores_and_of_nothing_before(
        self, engine: Engine
    ) -> None:
        enter_user(engine, EXPERT, OPENS)
        open_season(engine, season="2023")
        enter_user(engine, EXPERT._replace(id="elsewhere", season_id="2023"), OPENS)
        early = new_case(engine, state=State.FORMAL_CHECK)
        case_id = new_case(engine, state=State.EXPERT_REVIEW)
        for case in (early, case_id):
            commit(engine, case, Action.REMIND, deadline=OPENS + timedelta(days=9), offset=3)
            notify_of(engine, case)

        assert heard(engine, EXPERT.id) == ["formal_check_passed", "deadline_approaching"]
        newest = inbox(engine, EXPERT.id)[0]
        assert newest.case_id == case_id
        assert "待办：完成专家评审" in newest.text
        assert "Awaited from you: the scores to be given" in newest.text
        assert heard(engine, "elsewhere") == []

    def test_nobody_is_found_for_no_role(self, engine: Engine) -> None:
        ((event, _),) = events(engine, new_case(engine, state=State.PROVINCE_REVIEW))
        with reading(engine) as connection:
            assert concerned_by(connection, event.data, []) == []


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
            handler.apply(event, body, event.data.seq)

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

        assert [log["event_id"] for log in logs] == [f"{case_id}:1", f"{case_id}:2"]
        filed = form()
        for personal in (
            "example.invalid", "13800000000", REASON, filed.contact_name, filed.contact_mobile,
        ):  # fmt: skip
            assert personal not in repr(logs)
