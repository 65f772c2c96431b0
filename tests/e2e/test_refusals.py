"""Bad input, at every stage: a reason for people, a code for programs, no trace in history."""

from collections.abc import Mapping

import pytest

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.lifecycle import RULES
from models.cases.states import FINAL, State
from models.wording import STATES
from tests.e2e.driving import (
    ACCEPT,
    CORRECT,
    PASS,
    PUBLISH,
    REASON,
    RECOMMEND,
    REMARKS,
    RETURN,
    SELECT,
    SHORTLIST,
    SUBMIT,
    Command,
    cases_in,
    new_season,
    side_by_side,
)
from tests.e2e.stack import Stack, case_file
from tests.e2e.traces import cases_of, is_chinese, leaving_no_trace
from tests.factories import form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]

OPEN = [
    State.DRAFT,
    State.PROVINCE_REVIEW,
    State.RECOMMENDATION,
    State.FORMAL_CHECK,
    State.CORRECTION,
    State.NOT_RECOMMENDED,
]
CLOSED = [State.EXPERT_REVIEW, State.ORAL_DEFENSE, State.PUBLICATION, State.PUBLISHED]

COMMANDS: Mapping[Action, Command] = {
    Action.SUBMIT: SUBMIT,
    Action.RETURN_FOR_REVISION: RETURN,
    Action.ACCEPT: ACCEPT,
    Action.DECLINE: ("decline", "--reason", REASON),
    Action.SEND_BACK: ("send-back",),
    Action.RECOMMEND: RECOMMEND,
    Action.LEAVE_OUT: ("leave-out",),
    Action.REQUEST_CORRECTION: CORRECT,
    Action.RESUBMIT: ("resubmit",),
    Action.PASS_FORMAL_CHECK: PASS,
    Action.FAIL_FORMAL_CHECK: ("fail", "--reason", REASON),
    Action.SHORTLIST: SHORTLIST,
    Action.SELECT: SELECT,
    Action.NOT_SELECT: ("not-select",),
    Action.PUBLISH: PUBLISH,
    Action.DISQUALIFY: ("disqualify", "--reason", REASON, "--objection", "YY-1"),
    Action.WITHDRAW: ("withdraw", "--with-consent"),
    Action.MOVE_DEADLINE: ("extend", "+9d", "--reason", REASON),
    Action.REOPEN: ("reopen", "--reason", REASON),
}
"""Every action that somebody can type, with all that it asks for."""


@pytest.fixture(scope="module")
def stages(stack: Stack) -> dict[State, str]:
    """A case at every stage: those before the cutoff in one season, the others in another."""
    seasons = [new_season(stack) for _ in range(2)]
    found = [cases_in(stack, *args) for args in zip(seasons, (OPEN, CLOSED), strict=True)]
    return found[0] | found[1]


def test_what_a_stage_does_not_know_is_refused(stack: Stack, stages: dict[State, str]) -> None:
    lawful = {(rule.action, state) for rule in RULES for state in rule.sources}
    wrong = [
        (state, action) for state in stages for action in COMMANDS if (action, state) not in lawful
    ]
    assert len(wrong) > 130
    wrong = wrong[::3]  # the rest is asked of the table alone
    assert {state for state, _ in wrong} == set(stages)

    def try_it(place: tuple[State, Action]) -> tuple[int, str, str]:
        verb, *rest = COMMANDS[place[1]]
        return stack.refused("case", verb, stages[place[0]], *rest)

    with leaving_no_trace(stack, list(stages.values())):
        answers = side_by_side(try_it, wrong)
    for (state, action), (code, name, message) in zip(wrong, answers, strict=True):
        expected = "case_closed" if state in FINAL else "not_in_this_state"
        assert (code, name) == (1, expected), (state, action, message)
        assert STATES[state].zh in message


def test_whose_turn_it_is_not_is_refused(stack: Stack, stages: dict[State, str]) -> None:
    wrong = [
        (state, rule.action, role)
        for rule in RULES
        if rule.action in COMMANDS
        for state in rule.sources
        if state in stages
        for role in Role
        if role not in rule.roles and role is not Role.SEASON
    ][::7]  # of every state; the rest is asked of the table alone

    def try_it(place: tuple[State, Action, Role]) -> tuple[int, str, str]:
        state, action, role = place
        verb, *rest = COMMANDS[action]
        return stack.refused("case", verb, stages[state], *rest, "--as", f"{role}:somebody")

    with leaving_no_trace(stack, list(stages.values())):
        answers = side_by_side(try_it, wrong)
    assert {state for state, _, _ in wrong} == set(stages) - FINAL
    for place, (code, name, message) in zip(wrong, answers, strict=True):
        assert (code, name) == (1, "role_not_allowed"), (place, message)
        assert is_chinese(message)


def test_the_case_of_others_is_refused(stack: Stack, stages: dict[State, str]) -> None:
    season = stack.json("case", "show", stages[State.DRAFT])["season"]
    other = stack.create_case(season, unit="另一家示例单位（虚构）", title="（虚构）别家的案例")
    stranger = stack.json("case", "show", other)["unit"]
    refused: list[tuple[State, Command]] = [
        (State.DRAFT, (*SUBMIT, "--as", f"applicant:{stranger}")),
        (State.DRAFT, ("withdraw", "--as", f"applicant:{stranger}")),
        (State.DRAFT, ("withdraw", "--as", "applicant:nobody-knows-me")),
        (State.RECOMMENDATION, ("send-back", "--as", "body:no-such-body")),
        (State.PROVINCE_REVIEW, (*ACCEPT, "--as", "body:zhejiang")),
        (State.PROVINCE_REVIEW, (*RETURN, "--as", f"body:{season}-zhejiang")),
        (State.RECOMMENDATION, (*RECOMMEND, "--as", "body:xinjiang-bingtuan")),
        (State.CORRECTION, ("resubmit", "--as", f"applicant:{stranger}")),
        (State.DRAFT, ("extend", "+2d", "--reason", REASON, "--as", "body:zhejiang")),
    ]
    with leaving_no_trace(stack, [*stages.values(), other]):
        for state, (verb, *rest) in refused:
            code, name, message = stack.refused("case", verb, stages[state], *rest)
            assert (code, name) == (1, "not_yours"), (verb, message)
            assert is_chinese(message)
        path = stack.places.root / "stranger.toml"
        path.write_text(case_file(form()), encoding="utf-8")
        edited = ("case", "edit", stages[State.DRAFT], "--from", str(path))
        assert stack.refused(*edited, "--as", f"applicant:{stranger}")[:2] == (1, "not_yours")


GUARDED: list[tuple[State, Command, str, str]] = [
    (State.PROVINCE_REVIEW, ("return",), "remarks_required", "意见"),
    (State.PROVINCE_REVIEW, ("return", "--remarks", " 　\n"), "remarks_required", "意见"),
    (State.PROVINCE_REVIEW, (*RETURN, "--due", "+200d"), "due_after_cutoff", "截止时间"),
    (State.PROVINCE_REVIEW, (*RETURN, "--due", "2024-01-01"), "due_in_past", "已过"),
    (State.PROVINCE_REVIEW, ("return", "--remarks", "长" * 5001), "text_too_long", "5000"),
    (State.PROVINCE_REVIEW, ("accept",), "screening_unanswered", "9 个审核要点"),
    (
        State.PROVINCE_REVIEW,
        ("accept", "--answer", "political=yes"),
        "screening_unanswered",
        "8 个审核要点",
    ),
    (
        State.PROVINCE_REVIEW,
        (*ACCEPT, "--answer", "typical=no"),
        "screening_failed",
        "typical",
    ),
    (
        State.PROVINCE_REVIEW,
        (*ACCEPT, "--answer", "美观=yes"),
        "screening_unknown",
        "美观",
    ),
    (State.PROVINCE_REVIEW, ("decline",), "reason_required", "理由"),
    (
        State.FORMAL_CHECK,
        ("request-correction", "--remarks", REMARKS),
        "due_required",
        "补正期限",
    ),
    (State.FORMAL_CHECK, ("request-correction", "--due", "+3d"), "remarks_required", "意见"),
    (
        State.FORMAL_CHECK,
        ("request-correction", "--remarks", REMARKS, "--due", "now"),
        "due_in_past",
        "已过",
    ),
    (
        State.FORMAL_CHECK,
        ("request-correction", "--remarks", REMARKS, "--due", "0001-01-02"),
        "bad_field",
        "年份",
    ),
    (State.FORMAL_CHECK, ("fail",), "reason_required", "理由"),
    (State.FORMAL_CHECK, PASS, "cutoff_not_passed", "未到"),
    (State.FORMAL_CHECK, ("withdraw",), "consent_required", "同意"),
    (State.PUBLICATION, ("disqualify", "--reason", REASON), "objection_required", "异议"),
    (State.PUBLICATION, ("disqualify", "--objection", "YY-1"), "reason_required", "理由"),
    (State.DRAFT, ("extend", "2024-01-01"), "due_in_past", "已过"),
    (State.DRAFT, ("extend", "2345-01-01"), "bad_field", "年份"),
]


def test_what_an_action_asks_for_is_asked_for(stack: Stack, stages: dict[State, str]) -> None:
    def try_it(place: tuple[State, Command, str, str]) -> tuple[int, str, str]:
        state, (verb, *rest), _, _ = place
        return stack.refused("case", verb, stages[state], *rest)

    with leaving_no_trace(stack, list(stages.values())):
        answers = side_by_side(try_it, GUARDED)
    for (state, command, wanted, words), (code, name, message) in zip(
        GUARDED, answers, strict=True
    ):
        assert (code, name) == (1, wanted), (state, command, message)
        assert words in message


def test_after_the_cutoff_nothing_is_begun_or_filed(stack: Stack, stages: dict[State, str]) -> None:
    season = stack.json("case", "show", stages[State.PUBLISHED])["season"]
    path = stack.places.root / "late.toml"
    path.write_text(case_file(form(title="（虚构）迟到的案例")), encoding="utf-8")
    before = cases_of(stack, season)
    told = stack.refused("case", "create", "--season", season, "--from", str(path))
    assert told[:2] == (1, "cutoff_passed")
    assert "截止" in told[2]
    assert cases_of(stack, season) == before
