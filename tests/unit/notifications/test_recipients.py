from datetime import UTC, datetime

import pytest

from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS
from models.cases.actors import Role
from models.cases.events import CaseEventData
from models.cases.lifecycle import RULES
from models.cases.states import AWAITED_FROM, State
from models.notifications.recipients import NOTIFIED_ROLES, REMINDERS, roles_notified

BEFORE = datetime(2024, 5, 12, 16, tzinfo=UTC)
APPLICANT, BODY, ORGANISER, PANEL = Role.APPLICANT, Role.BODY, Role.ORGANISER, Role.PANEL
EXPERT = Role.EXPERT


def happened(action: Action, source: State, target: State, **changes: object) -> CaseEventData:
    values = {
        "case_id": "case_01",
        "seq": 1,
        "action": action,
        "from": source,
        "to": target,
        "actor_role": Role.BODY,
        "season": "2024",
        "body": "fujian",
        "unit": "unit_01",
        "category": "home",
        "title": "（示例）智慧家庭",
        "awaited": AWAITED_FROM.get(target),
        "record_hash": "sha256:0",
    }
    return CaseEventData.model_validate(values | changes)


EVERY_MOVE = [
    (rule.action, source, rule.dest or source) for rule in RULES for source in rule.sources
]


def test_every_event_has_its_line() -> None:
    assert set(NOTIFIED_ROLES) == set(EventName)


@pytest.mark.parametrize("name", EventName)
def test_a_line_names_each_role_once_and_the_applicant_first(name: EventName) -> None:
    assert NOTIFIED_ROLES[name][0] is APPLICANT
    assert len(set(NOTIFIED_ROLES[name])) == len(NOTIFIED_ROLES[name])


@pytest.mark.parametrize(("action", "source", "target"), EVERY_MOVE)
def test_a_reminder_goes_to_the_awaited_alone_and_a_decision_to_the_applicant(
    action: Action, source: State, target: State
) -> None:
    told = roles_notified(happened(action, source, target, deadline_before=BEFORE))

    if ACTIONS[action].event in REMINDERS:
        experts = (EXPERT,) if AWAITED_FROM[target] is PANEL else ()
        prepares = target is State.ORAL_DEFENSE and action is not Action.EXPIRE
        prepared = (APPLICANT,) if prepares else ()
        assert told == (*prepared, AWAITED_FROM[target], *experts)
    else:
        assert told[0] is APPLICANT


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (State.DRAFT, (APPLICANT, BODY)),
        (State.RECOMMENDATION, (APPLICANT, BODY)),
        (State.FORMAL_CHECK, (APPLICANT, BODY, ORGANISER)),
        (State.ORAL_DEFENSE, (APPLICANT, BODY, ORGANISER, PANEL, EXPERT)),
    ],
)
def test_a_withdrawal_is_told_to_those_who_had_the_case(
    source: State, told: tuple[Role, ...]
) -> None:
    assert roles_notified(happened(Action.WITHDRAW, source, State.WITHDRAWN)) == told


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        (State.DRAFT, State.LAPSED, (APPLICANT, BODY)),
        (State.CORRECTION, State.WITHDRAWN, (APPLICANT, BODY, ORGANISER)),
    ],
)
def test_the_organiser_hears_of_a_lapsed_correction_and_of_no_lapsed_draft(
    source: State, target: State, told: tuple[Role, ...]
) -> None:
    assert roles_notified(happened(Action.LAPSE, source, target)) == told


def test_who_gets_work_hears_of_it() -> None:
    submitted = happened(Action.SUBMIT, State.DRAFT, State.PROVINCE_REVIEW)
    recommended = happened(Action.RECOMMEND, State.RECOMMENDATION, State.FORMAL_CHECK)
    passed = happened(Action.PASS_FORMAL_CHECK, State.FORMAL_CHECK, State.EXPERT_REVIEW)

    assert BODY in roles_notified(submitted)
    assert ORGANISER in roles_notified(recommended)
    assert {PANEL, EXPERT} <= set(roles_notified(passed))


def test_a_deadline_that_stayed_is_no_news() -> None:
    at = datetime(2024, 5, 12, 16, tzinfo=UTC)
    data = happened(Action.MOVE_DEADLINE, State.DRAFT, State.DRAFT, deadline=at, deadline_before=at)

    assert roles_notified(data) == ()
    assert roles_notified(data.model_copy(update={"deadline_before": None})) == (APPLICANT,)
