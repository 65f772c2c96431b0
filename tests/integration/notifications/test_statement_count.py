"""What one event costs in SQL, however many people it concerns."""

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.states import State
from models.store.engine import transaction
from models.stream.incoming import IncomingEvent
from services.notifications.channels import set_channel
from services.people.users import add_user, set_email
from tests.factories import OPENS, commit, keep_reason, make_case
from tests.integration.notifications.notified import FUJIAN, events, unit_of
from tests.statements import counted
from tests.streams import incoming
from workers.notify.handler import NotifyHandler

READS_THEN_WRITES = ["SELECT"] * 3 + ["INSERT", "UPDATE", "INSERT", "INSERT"]
"""Notified before?, users with their channels, the season's hours; cursor, messages, deliveries."""


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize("applicants", [0, 1, 5])
def test_a_submitted_case_takes_seven_statements(engine: Engine, applicants: int) -> None:
    set_email(engine, FUJIAN, "fujian@example.invalid")
    set_channel(engine, FUJIAN, "chat", "json://bot.example.invalid", OPENS)
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    for number in range(applicants):
        with transaction(engine) as connection:
            add_user(
                connection, id=f"u{number}", season_id="2024", role=Role.APPLICANT,
                org=unit_of(engine, case_id), name="虚构的人", email="u@example.invalid", at=OPENS,
            )  # fmt: skip
    assert kinds(engine, case_id) == READS_THEN_WRITES


@pytest.mark.usefixtures("season")
def test_a_reason_takes_one_more(engine: Engine) -> None:
    set_email(engine, FUJIAN, "fujian@example.invalid")
    case_id = make_case(engine, state=State.FORMAL_CHECK)
    reason = keep_reason(engine, case_id, "（示例）请补充用户规模。")
    commit(engine, case_id, Action.REQUEST_CORRECTION, reason=reason)
    assert kinds(engine, case_id, seq=4) == ["SELECT", *READS_THEN_WRITES]


@pytest.mark.usefixtures("season")
def test_an_event_that_was_notified_of_takes_three(engine: Engine) -> None:
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    kinds(engine, case_id)
    assert kinds(engine, case_id) == ["SELECT", "INSERT", "UPDATE"]


@pytest.mark.usefixtures("season")
def test_many_events_of_a_unit_and_body_take_no_more(engine: Engine) -> None:
    set_email(engine, FUJIAN, "fujian@example.invalid")
    case_id = make_case(engine, state=State.RECOMMENDATION)
    for n in range(5):
        reason = keep_reason(engine, case_id, f"（示例）第 {n} 次退回。")
        commit(engine, case_id, Action.SEND_BACK, reason=reason)
        commit(engine, case_id, Action.ACCEPT)
    some = [incoming(body) for _, body in events(engine, case_id)]
    assert len(some) == 12
    with counted(engine) as statements:
        NotifyHandler(engine).apply(some)
    # The reasons; the users of the applicant's side, of the body's, and of both.
    assert len(statements) <= len(READS_THEN_WRITES) + 6


def kinds(engine: Engine, case_id: str, seq: int = 1) -> list[str]:
    """Have an event of a case handled; return the kinds of its statements, in order."""
    event, body = events(engine, case_id)[seq - 1]
    with counted(engine) as statements:
        NotifyHandler(engine).apply([IncomingEvent(event, body, seq)])
    return [statement.split()[0] for statement in statements]
