"""Who is notified of which event, and what they read."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.states import State
from models.store.engine import reading, transaction
from services.notifications.inbox import inbox
from services.notifications.recipients import concerned_by
from services.people.users import (
    add_user,
    enter_user,
)
from tests.factories import OPENS, commit, keep_reason, open_season
from tests.integration.notifications.notified import (
    EXPERT,
    FUJIAN,
    ORGANISER,
    PANEL,
    cursor,
    events,
    heard,
    new_case,
    notify_of,
    unit_of,
)

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
        assert heard(engine, "elsewhere") == []

    def test_nobody_is_found_for_no_role(self, engine: Engine) -> None:
        ((event, _),) = events(engine, new_case(engine, state=State.PROVINCE_REVIEW))
        with reading(engine) as connection:
            assert concerned_by(connection, event.data, []) == []
