"""Whatever happened to a case, its row says what its history gives; verification asks no more."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from models import tables
from models.cases.actions.names import Action
from models.cases.derived import DERIVED, derived
from models.cases.events import CaseEvent
from models.cases.states import State
from models.store.engine import reading
from tests.factories import OPENS, PATHS, commit, keep_reason, make_case, save_form
from tests.streams import outbox

LATER = OPENS + timedelta(days=30)


def agrees(engine: Engine, case_id: str) -> dict[str, object]:
    """Hold a case's row against its history; return what the history gives."""
    cases, steps = tables.case_record, tables.transition
    with reading(engine) as connection:
        case = connection.execute(select(cases).where(cases.c.id == case_id)).mappings().one()
        lines = connection.execute(
            select(steps).where(steps.c.case_id == case_id).order_by(steps.c.seq)
        ).mappings()
        deadlines: dict[int, datetime | None] = {
            row.seq: CaseEvent.model_validate_json(row.body).data.deadline
            for row in outbox(engine)
            if row.case_id == case_id
        }
        found = derived(case, lines.all(), deadlines)
    assert {name: case[name] for name in found} == found
    return found


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize("state", PATHS)
def test_on_the_way_to_each_state(engine: Engine, state: State) -> None:
    found = agrees(engine, make_case(engine, state=state))
    assert found["state"] == state
    assert set(found) == set(DERIVED) or state is State.DRAFT


@pytest.mark.usefixtures("season")
def test_through_returns_extensions_and_passed_deadlines(engine: Engine) -> None:
    case = make_case(engine, state=State.PROVINCE_REVIEW)
    for round_ in (1, 2):
        reason = keep_reason(engine, case, f"（示例）第 {round_} 次退回。")
        commit(engine, case, Action.RETURN_FOR_REVISION, reason=reason, due=LATER)
        assert agrees(engine, case)["return_rounds"] == round_
        if round_ == 1:
            save_form(engine, case)
        commit(engine, case, Action.MOVE_DEADLINE, until=LATER + timedelta(days=round_))
        assert agrees(engine, case)["extended_cutoff"] == LATER + timedelta(days=round_)
        commit(engine, case, Action.SUBMIT)
        assert agrees(engine, case)["frozen_revision"] == 2
    commit(engine, case, Action.EXPIRE, deadline=agrees(engine, case)["deadline"])
    assert agrees(engine, case)["overdue"] is True
    commit(engine, case, Action.MOVE_DEADLINE, until=LATER)
    assert agrees(engine, case)["due"] == LATER
    commit(engine, case, Action.ACCEPT)
    assert agrees(engine, case)["due"] is None


@pytest.mark.usefixtures("season")
def test_through_a_lapse_and_back(engine: Engine) -> None:
    case = make_case(engine, state=State.LAPSED)
    assert agrees(engine, case)["overdue"] is False
    reason = keep_reason(engine, case, "（示例）系统故障。")
    commit(engine, case, Action.REOPEN, reason=reason, until=LATER)
    assert agrees(engine, case)["extended_cutoff"] == LATER
