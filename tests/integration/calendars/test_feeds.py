"""Who has a calendar feed, and what stands in it."""

from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import Engine, select, text, update

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.events import CaseEvent, CaseEventData
from models.cases.states import AWAITED_FROM, State
from models.notifications.recipients import keeps_deadline
from models.refusals import Refused
from models.store.engine import reading, transaction
from services.calendars.events import given
from services.calendars.feeds import Feed, make_feed, note_use, read_feed, remove_feed
from services.calendars.ics import as_feed, as_ics
from services.notifications.alarms import Due, alarms_of
from services.notifications.recipients import concerned_by
from services.people.users import NewUser, enter_user
from tests.factories import OPENS, PATHS, commit, enter_applicant, make_case, open_season

FUJIAN, ORGANISER, PANEL = "2024-fujian", "2024-organiser", "2024-panel"
EXPERT = "2024-wang"
DOMAIN = "example.invalid"
HOUR = timedelta(hours=1)


def token_of(path: str) -> str:
    return path.removeprefix("/calendar/").removesuffix(".ics")


def subscribed(engine: Engine, user_id: str) -> str:
    return token_of(make_feed(engine, user_id, OPENS, renew=True))


def read(engine: Engine, token: str) -> Feed:
    feed = read_feed(engine, token)
    assert feed is not None
    return feed


def awaited_users(engine: Engine, case_id: str) -> set[str]:
    """Those whom a reminder of this case reaches."""
    with reading(engine) as connection:
        case = connection.execute(
            select(tables.case_record).where(tables.case_record.c.id == case_id)
        ).one()
        state = State(case.state)
        roles = [role for role in Role if keeps_deadline(role, state, AWAITED_FROM.get(state))]
        of_case = CaseEventData.model_construct(
            season=case.season_id, unit=case.unit_id, body=case.body_id
        )
        found = concerned_by(connection, of_case, roles)
    return {person.id for person in found}


@pytest.mark.usefixtures("season")
class TestWhatStandsInIt:
    def test_everybody_reads_the_deadlines_of_which_reminders_would_tell_them(
        self, engine: Engine
    ) -> None:
        cases = {make_case(engine, state=state): state for state in PATHS}
        (correction,) = (each for each, state in cases.items() if state is State.CORRECTION)
        commit(engine, correction, Action.MOVE_DEADLINE, until=OPENS + timedelta(days=9))
        elsewhere = make_case(engine, state=State.PROVINCE_REVIEW, location="浙江省")
        enter_user(engine, NewUser(EXPERT, "2024", "expert", "虚构专家"), OPENS)
        make_case(engine, season=open_season(engine, season="2025"), state=State.PROVINCE_REVIEW)
        applicants = [enter_applicant(engine, case_id) for case_id in [*cases, elsewhere]]
        with reading(engine) as connection:
            users = connection.scalars(
                select(tables.app_user.c.id).where(tables.app_user.c.season_id == "2024")
            ).all()
        assert {FUJIAN, ORGANISER, PANEL, EXPERT, *applicants} <= {*users}

        feeds = {user: read(engine, subscribed(engine, user)).duties for user in users}

        awaited = {case_id: awaited_users(engine, case_id) for case_id in [*cases, elsewhere]}
        desks = (FUJIAN, ORGANISER, PANEL, EXPERT)
        assert [len(feeds[user]) for user in desks] == [2, 2, 2, 2]
        for user, duties in feeds.items():
            expected = {case_id for case_id, told in awaited.items() if user in told}
            assert {duty.case_id for duty in duties} == expected
            assert [duty.deadline for duty in duties] == sorted(duty.deadline for duty in duties)

    def test_a_moved_deadline_moves_its_entry_and_a_settled_matter_is_gone(
        self, engine: Engine
    ) -> None:
        case_id = make_case(engine, state=State.CORRECTION)
        token = subscribed(engine, enter_applicant(engine, case_id))
        entries = []
        for until in (OPENS + timedelta(days=9), OPENS + timedelta(days=20)):
            commit(engine, case_id, Action.MOVE_DEADLINE, until=until)
            feed = read(engine, token)
            (entry,) = Calendar.from_ical(as_feed(feed.name, feed.duties, DOMAIN)).events
            assert entry.end == until
            entries.append(entry)

        assert entries[0]["UID"] == entries[1]["UID"] == f"{case_id}.correction@{DOMAIN}"
        assert entries[1].sequence > entries[0].sequence

        commit(engine, case_id, Action.RESUBMIT)
        assert read(engine, token).duties == ()

    @pytest.mark.parametrize("action", [Action.REMIND, Action.MOVE_DEADLINE, Action.EXPIRE])
    def test_an_entry_from_a_letter_is_the_one_of_the_feed(
        self, engine: Engine, action: Action
    ) -> None:
        case_id = make_case(engine, state=State.PROVINCE_REVIEW)
        until = OPENS + timedelta(days=9)
        fields: dict[Action, dict[str, Any]] = {
            Action.REMIND: {"deadline": until, "offset": 3},
            Action.MOVE_DEADLINE: {"until": until},
            Action.EXPIRE: {"deadline": until},
        }
        commit(engine, case_id, action, **fields[action])
        with reading(engine) as connection:
            newest = select(tables.outbox.c.body).order_by(tables.outbox.c.seq.desc()).limit(1)
            event = CaseEvent.model_validate_json(connection.scalars(newest).one())
            assert event.data.deadline is not None
            due = Due(event.data.season, event.data.deadline, event.time)
            alarms = alarms_of(connection, [due])[due]
        letter = as_ics(given(event, alarms), DOMAIN)

        feed = read(engine, subscribed(engine, FUJIAN))

        (sent,) = Calendar.from_ical(letter).events
        (found,) = Calendar.from_ical(as_feed(feed.name, feed.duties, DOMAIN)).events
        assert found.to_ical() == sent.to_ical()

    def test_it_names_season_and_role_and_no_person(self, engine: Engine) -> None:
        case_id = make_case(engine)
        user = enter_applicant(engine, case_id)
        with transaction(engine) as connection:
            named = update(tables.app_user).where(tables.app_user.c.id == user)
            connection.execute(named.values(name="张三", email="zhang@example.invalid"))

        feed = read(engine, subscribed(engine, user))

        shown = as_feed(feed.name, feed.duties, DOMAIN)
        assert feed.name.startswith("推选期限：")
        assert feed.name.endswith("（申报单位）")
        assert "张三" not in shown
        assert "zhang" not in shown

    def test_what_cannot_be_due_yet_is_no_entry(self, engine: Engine) -> None:
        case_id = make_case(engine, state=State.PROVINCE_REVIEW)
        with transaction(engine) as connection:
            connection.execute(
                update(tables.case_record)
                .where(tables.case_record.c.id == case_id)
                .values(deadline=None)
            )

        assert read(engine, subscribed(engine, FUJIAN)).duties == ()


@pytest.mark.usefixtures("season")
class TestItsAddress:
    def test_it_is_told_once_and_is_nowhere_kept(self, engine: Engine) -> None:
        path = make_feed(engine, FUJIAN, OPENS)

        assert len(token_of(path)) == 43  # 32 bytes
        assert read(engine, token_of(path)).user_id == FUJIAN
        with reading(engine) as connection:
            row = connection.execute(text("SELECT * FROM calendar_feed")).one()
        assert row.token_hash.startswith("sha256:")
        assert token_of(path) not in repr(row)

    def test_a_second_one_is_refused_and_a_renewed_one_ends_the_first(self, engine: Engine) -> None:
        first = make_feed(engine, FUJIAN, OPENS)
        with pytest.raises(Refused, match="feed_exists") as refused:
            make_feed(engine, FUJIAN, OPENS)
        assert token_of(first) not in str(refused.value)
        assert "--renew" in str(refused.value)

        second = make_feed(engine, FUJIAN, OPENS + HOUR, renew=True)

        assert read_feed(engine, token_of(first)) is None
        assert read(engine, token_of(second)).user_id == FUJIAN

    def test_a_removed_one_answers_no_more_and_others_do(self, engine: Engine) -> None:
        token, other = subscribed(engine, FUJIAN), subscribed(engine, PANEL)

        assert (remove_feed(engine, FUJIAN), remove_feed(engine, FUJIAN)) == (True, False)

        assert read_feed(engine, token) is None
        assert read(engine, other).user_id == PANEL

    def test_nobody_unknown_has_one(self, engine: Engine) -> None:
        for work in (lambda: make_feed(engine, "nobody", OPENS), lambda: remove_feed(engine, "x")):
            with pytest.raises(Refused, match="unknown_user"):
                work()
        assert read_feed(engine, "") is None
        assert read_feed(engine, "\x00💥") is None

    def test_that_it_is_read_is_noted_to_the_hour(self, engine: Engine) -> None:
        token = subscribed(engine, FUJIAN)
        noted = []
        for minutes in (0, 30, 90):
            note_use(engine, read(engine, token), OPENS + timedelta(minutes=minutes))
            noted.append(read(engine, token).used_at)

        assert noted == [OPENS, OPENS, OPENS + timedelta(minutes=90)]
        with pytest.raises(Refused, match="最近使用于"):
            make_feed(engine, FUJIAN, OPENS)
        assert read(engine, subscribed(engine, FUJIAN)).used_at is None
