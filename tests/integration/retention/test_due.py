"""Data expires after the days that it is kept, and never before six months."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Role
from models.chain import digest_text
from models.programme.retention import Retention
from models.refusals import Refused
from models.store.engine import transaction
from services.notifications.channels import set_channel
from services.notifications.deliveries import send_again
from services.people.users import add_user
from services.retention import due as due_module
from services.retention.due import before, due
from services.retention.removal import removing
from services.retention.views import WORDS
from services.seasons.opening import Opening
from services.seasons.opening import open_season as open_real_season
from tests.factories import (
    OPENS,
    SEASON,
    commit,
    open_season,
    programme,
)
from tests.integration.retention.world import (
    CLASSES,
    DAY,
    LONG_AFTER,
    OVER,
    ROOT,
    World,
    end_open_case,
    keep_days,
    moments,
)


def test_the_classes_of_the_programme_are_those_that_can_be_removed() -> None:
    assert tuple(due_module.CLASSES) == CLASSES == tuple(WORDS)


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_kept_for_184_days_is_due_then_and_not_a_second_before(
    world: World, name: str
) -> None:
    keep_days(world.record, 184)
    if name == "addresses":
        end_open_case(world)
    at = moments(world)[name]
    for age in (182 * DAY, 183 * DAY, 184 * DAY - timedelta(seconds=1)):
        assert world.counts(at + age)[name] == 0
        assert world.remove(at + age)[name] == 0
    expected = {"forms": 2, "reasons": 1, "messages": 2, "webhooks": 5, "addresses": 2}[name]
    assert world.counts(at + 184 * DAY)[name] == expected
    [view] = [each for each in due(world.record, at + 184 * DAY, SEASON) if each.name == name]
    assert (view.days, view.oldest) == (184, at)
    assert world.remove(at + 184 * DAY)[name] == expected
    assert world.counts(LONG_AFTER)[name] == 0


def test_what_was_written_after_the_end_counts_from_then(world: World) -> None:
    end_open_case(world)
    late = OPENS + 3000 * DAY
    row = {"case_id": world.ended, "digest": "d", "text": "迟来的理由", "written_at": late}
    with transaction(world.record) as connection:
        connection.execute(tables.case_reason.insert(), row)
        connection.execute(update(tables.app_user).values(email_at=late))
    set_channel(world.record, "wang", "chat", "json://example.invalid", late)
    send_again(world.record, world.rows(tables.delivery, channel="sms")[0].id, late)
    world.remove(late + 364 * DAY)
    assert [each.text for each in world.rows(tables.case_reason)] == ["迟来的理由"]
    assert [each.channel for each in world.rows(tables.user_channel)] == ["chat"]
    assert "wang@example" in str(world.rows(tables.app_user))
    left = {each.id for each in world.rows(tables.inbox_message) if each.removed_at is None}
    assert left == {
        each.message_id for each in world.rows(tables.delivery) if each.status == "waiting"
    }
    assert len(left) == 1
    world.remove(late + 365 * DAY)
    assert (world.rows(tables.case_reason), world.rows(tables.user_channel)) == ([], [])
    late_reason = (f"{world.ended}/reason", digest_text("迟来的理由"))
    assert late_reason in {(each.object, each.before) for each in world.entries()}
    assert "wang@example" not in str(world.rows(tables.app_user))


def test_addresses_stay_until_the_season_is_over_with_its_last_case(world: World) -> None:
    commit(world.record, world.open, Action.WITHDRAW)
    changed = {"since": OVER + 100 * DAY}  # it was withdrawn long after the season
    cases = tables.case_record
    with transaction(world.record) as connection:
        connection.execute(update(cases).where(cases.c.id == world.open).values(changed))
    assert world.counts(OVER + 464 * DAY)["addresses"] == 0
    assert world.counts(OVER + 465 * DAY)["addresses"] == 2


def test_in_a_rehearsal_the_days_are_real(engine: Engine) -> None:
    open_real_season(engine, programme(), OPENS, Opening("quick", pace="1d=0.5"))
    with transaction(engine) as connection:
        add_user(
            connection, id="li", season_id="quick", role=Role.ORGANISER, org=None,
            name="虚构用户", email="li@example.invalid", at=OPENS,
        )  # fmt: skip

    def counted(now: datetime) -> int:
        return {each.name: each.due for each in due(engine, now, "quick")}["addresses"]

    assert counted(OPENS + 184 * DAY) == 0
    assert counted(OPENS + 365 * DAY) == 0  # half a minute is missing yet
    assert counted(OPENS + 365 * DAY + timedelta(minutes=2)) == 1


@pytest.mark.parametrize("days", [1, 183, 0, -1])
def test_no_programme_on_record_makes_anything_younger_go(
    world: World, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_days(world.record, days)
    young = moments(world)["forms"] + 184 * DAY - timedelta(seconds=1)
    for attempt in (world.counts, world.remove):
        with pytest.raises(Refused, match=r"不得少于 184 天|不应小于 0"):
            attempt(young)
    # Nor where somebody takes away the check of the programme.
    kept = Retention.model_construct(None, **dict.fromkeys(CLASSES, days))
    unchecked = programme().model_copy(update={"retention": kept})
    monkeypatch.setattr(due_module, "read_programme", lambda *_: unchecked)
    assert world.remove(young)["forms"] == 0
    assert world.remove(young + timedelta(seconds=1))["forms"] == 2


@given(st.integers(-(10**5), 36_500), st.datetimes(timezones=st.just(UTC)))
def test_nothing_is_due_before_six_months_whatever_is_asked(days: int, now: datetime) -> None:
    assume(now.year > 200)
    assert now - before(days, now) == max(days, 184) * DAY


def test_every_season_is_asked_by_itself(world: World) -> None:
    open_season(world.record, season="2025")
    found = {(each.season, each.name): each.due for each in due(world.record, LONG_AFTER)}
    assert set(found) == {(season, name) for season in (SEASON, "2025") for name in CLASSES}
    assert found[SEASON, "forms"] == 2
    assert found["2025", "forms"] == 0
    assert list(removing(world.record, "2025", ROOT, "r", LONG_AFTER)) == []
