"""One way to tell people something, whatever it is about."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import Engine, insert

from models import tables
from models.notifications.texts import NotificationText
from models.store.engine import transaction
from services.notifications.deliveries import deliveries
from services.notifications.fan_out import Notification, Notified, notify
from services.notifications.inbox import inbox
from services.people.users import NewUser, enter_user, set_email
from services.seasons.opening import Opening, open_season
from tests.factories import OPENS, programme

FUJIAN, PANEL, EXPERT = "2024-fujian", "2024-panel", "2024-wang"
SAID = NotificationText("【推选】端点已停用", "端点已停用。\n")
MESSAGE = Notification(
    "endpoint:1:disabled", "endpoint_disabled", None, {FUJIAN: SAID, PANEL: SAID}
)


@pytest.mark.usefixtures("season")
class TestTelling:
    def test_a_message_about_no_case_reaches_each_inbox_once(self, engine: Engine) -> None:
        for expected in (Notified(2, 0), Notified(0, 0)):
            with transaction(engine) as connection:
                assert notify(connection, MESSAGE, OPENS) == expected

        (item,) = inbox(engine, FUJIAN)
        assert (item.event_id, item.case_id, item.subject, item.at) == (
            "endpoint:1:disabled", None, SAID.subject, OPENS,
        )  # fmt: skip

    def test_it_leaves_by_each_channel_that_somebody_has(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        with transaction(engine) as connection:
            row = {"user_id": FUJIAN, "address": "json://127.0.0.1", "created_at": OPENS}
            connection.execute(insert(tables.user_channel), {**row, "channel": "chat"})
            assert notify(connection, MESSAGE, OPENS) == Notified(2, 2)

        assert {(item.recipient, item.channel) for item in deliveries(engine)} == {
            (FUJIAN, "mail"),
            (FUJIAN, "chat"),
        }

    def test_whom_nobody_knows_hears_nothing(self, engine: Engine) -> None:
        with transaction(engine) as connection:
            unknown = Notification("k", "endpoint_disabled", None, {"nobody": SAID})
            assert notify(connection, unknown, OPENS) == Notified(0, 0)


NIGHT = datetime(2024, 5, 6, 15, 30, tzinfo=UTC)  # 23:30 in Beijing
EIGHT = datetime(2024, 5, 7, 0, tzinfo=UTC)


def leaves(
    engine: Engine,
    at: datetime,
    user: str = FUJIAN,
    *,
    pace: str | None = None,
    digest_at: time | None = None,
) -> datetime:
    """Open a season with the hours of the call itself; return when a mail of `at` leaves."""
    reminders = programme().reminders.model_copy(update={"digest_at": digest_at})
    call = programme().model_copy(update={"reminders": reminders})
    season = open_season(engine, call, OPENS, Opening(season_id="quiet", pace=pace)).id
    service = user.replace("2024", season)
    if user == EXPERT:
        enter_user(engine, NewUser(service, season, "expert", "虚构专家"), OPENS)
    set_email(engine, service, "desk@example.invalid")
    with transaction(engine) as connection:
        notify(connection, replace(MESSAGE, texts={service: SAID}), at)
    assert inbox(engine, service)[0].at == at
    return deliveries(engine)[0].next_attempt_at


class TestQuietHours:
    def test_the_inbox_has_it_at_once_and_the_mail_leaves_in_the_morning(
        self, engine: Engine
    ) -> None:
        assert leaves(engine, NIGHT) == EIGHT

    def test_by_day_a_mail_leaves_at_once(self, engine: Engine) -> None:
        assert leaves(engine, EIGHT) == EIGHT

    def test_a_season_at_another_pace_has_its_own_night(self, engine: Engine) -> None:
        opened = leaves(engine, OPENS, pace="1d=24")  # nine in the morning at first

        assert opened == OPENS
        with transaction(engine) as connection:
            at = OPENS + timedelta(seconds=13)  # ten in the evening
            late = replace(MESSAGE, key="late", texts={"quiet-fujian": SAID})
            notify(connection, late, at)
        assert deliveries(engine)[0].next_attempt_at == OPENS + timedelta(seconds=23)


class TestDigests:
    @pytest.mark.parametrize(
        ("service", "expected"),
        [
            (FUJIAN, EIGHT + timedelta(hours=1)),
            (PANEL, EIGHT + timedelta(hours=1)),
            (EXPERT, EIGHT + timedelta(hours=1)),
            ("2024-organiser", EIGHT),
        ],
    )
    def test_the_mails_of_reviewers_and_experts_wait_for_their_hour(
        self, engine: Engine, service: str, expected: datetime
    ) -> None:
        assert leaves(engine, NIGHT, service, digest_at=time(9)) == expected
