"""Who was not reminded and why, on both databases: each reason once, and none of who was."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, update

from models import tables
from models.cases.actions.names import Action, EventName
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.stream.names import Durable, event_subject
from services.dates.unreached import Unreached, Why, list_unreached
from services.notifications.inbox import inbox, mark_read
from services.people.users import set_email
from services.stream.dead_letters import NewDeadLetter, add_dead_letter
from tests.factories import OPENS, SEASON, commit, make_case
from tests.streams import incoming, outbox
from workers.notify.handler import NotifyHandler

FUJIAN = "2024-fujian"


@pytest.fixture
def case_id(engine: Engine, season: str) -> str:
    """A case in review, of whose deadline its body was reminded on time; nobody is told yet."""
    del season
    case = make_case(engine, state=State.PROVINCE_REVIEW)
    remind(engine, case)
    return case


def remind(engine: Engine, case: str) -> None:
    with reading(engine) as connection:
        deadline = connection.scalar(
            select(tables.case_record.c.deadline).where(tables.case_record.c.id == case)
        )
    commit(engine, case, Action.REMIND, deadline=deadline, offset=1)


def tell(engine: Engine) -> None:
    """Let notify see every event."""
    for n, row in enumerate(outbox(engine), 1):
        NotifyHandler(engine).apply([incoming(row.body, n)])


def set_row(engine: Engine, table: Any, **values: Any) -> None:
    with transaction(engine) as connection:
        connection.execute(update(table).values(**values))


def unreached(engine: Engine, running: set[str] | None = None) -> list[Unreached]:
    at = last(engine) + timedelta(minutes=10)
    return list_unreached(engine, SEASON, at - timedelta(days=7), at, running)


def last(engine: Engine) -> Any:
    with reading(engine) as connection:
        return connection.scalars(
            select(tables.transition.c.at).order_by(tables.transition.c.at.desc()).limit(1)
        ).one()


def why(engine: Engine) -> list[tuple[Why, str | None]]:
    return [(each.why, each.user) for each in unreached(engine)]


def test_an_inbox_alone_reaches_nobody_until_it_is_read(engine: Engine, case_id: str) -> None:
    tell(engine)
    assert why(engine) == [(Why.NO_CHANNEL, FUJIAN)]
    [found] = unreached(engine)
    assert (found.case_id, found.event_id, found.delivery) == (case_id, f"{case_id}:2", None)
    mark_read(engine, FUJIAN, [each.id for each in inbox(engine, FUJIAN)], last(engine))
    assert why(engine) == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [("sent", None), ("dropped", None), ("failed", Why.FAILED), ("waiting", Why.WAITING)],
)
def test_what_became_of_the_mail_says_why(
    engine: Engine, case_id: str, status: str, reason: Why | None
) -> None:
    del case_id
    set_email(engine, FUJIAN, "fujian@example.invalid")
    tell(engine)
    set_row(engine, tables.delivery, status=status, last_error="550 no such user")
    found = unreached(engine)
    assert [each.why for each in found] == ([] if reason is None else [reason])
    assert {each.note for each in found} <= {"550 no such user"}
    assert all(each.delivery for each in found)


def test_an_event_that_is_not_published_or_was_given_up_reached_nobody(
    engine: Engine, case_id: str
) -> None:
    assert why(engine) == [(Why.NOT_PUBLISHED, None)]
    set_row(engine, tables.outbox, published_at=last(engine))
    assert why(engine) == [(Why.NOT_NOTIFIED, None)]
    subject = event_subject(EventName.DEADLINE_APPROACHING, case_id, 2)
    letter = NewDeadLetter(Durable.NOTIFY, subject, 2, "broken", 8, last(engine))
    add_dead_letter(engine, letter)
    assert why(engine) == [(Why.DEAD_LETTER, None)]
    assert unreached(engine)[0].note == "broken"


def test_a_reminder_of_what_was_done_since_is_missed_by_nobody(
    engine: Engine, case_id: str
) -> None:
    commit(engine, case_id, Action.ACCEPT, answers={})
    assert why(engine) == []


def test_a_year_without_working_days_plans_no_reminders(engine: Engine, case_id: str) -> None:
    tell(engine)
    mark_read(engine, FUJIAN, [each.id for each in inbox(engine, FUJIAN)], last(engine))
    with transaction(engine) as connection:
        connection.execute(delete(tables.calendar_day))
    [found] = unreached(engine)
    assert (found.why, found.case_id) == (Why.YEAR_MISSING, case_id)
    assert "2024" in str(found.note)


def test_a_deadline_that_passed_without_a_word_is_the_workflows(
    engine: Engine, season: str
) -> None:
    case = make_case(engine, state=State.PROVINCE_REVIEW)
    with reading(engine) as connection:
        deadline = connection.scalars(select(tables.case_record.c.deadline)).one()
    assert deadline is not None
    after = deadline + timedelta(minutes=6)

    def found(running: set[str] | None) -> list[tuple[str, Why]]:
        items = list_unreached(engine, season, after - timedelta(days=7), after, running)
        return [(each.case_id, each.why) for each in items]

    assert found(set()) == [(case, Why.WORKFLOW_MISSING)]
    assert found(None) == found({case}) == [(case, Why.LATE)]
    early = list_unreached(engine, season, deadline, deadline - timedelta(days=30), set())
    assert early == []


def test_an_unknown_season_is_refused(engine: Engine, season: str) -> None:
    del season
    with pytest.raises(Refused, match="unknown_season"):
        list_unreached(engine, "nothing", OPENS, OPENS)
