"""The guards by themselves, and the machine over whole lives beside a model of its own."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from models.cases import guards
from models.cases.actions import (
    deadlines,
    filing,
    formal_check,
    publication,
    recommendation,
    reopening,
    review,
)
from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS, parse_command
from models.cases.actors import Actor, Role
from models.cases.guards import Facts, Guard
from models.cases.lifecycle import RULES, Lifecycle
from models.cases.messages import StoredTransition
from models.cases.states import FINAL, State
from models.refusals import Refused
from tests.unit.cases.test_lifecycle import (
    EXPECTED,
    FIELDS,
    NOW,
    OWN,
    POINTS,
    ended_by,
    facts,
    standing,
)

A = Action
ANOTHERS = {"fields": {"actor": Actor(role=Role.BODY, id="x", org="hunan")}}
EARLY = {"now": NOW - timedelta(days=9)}

AGAINST: dict[Guard[Any], tuple[Action, dict[str, Any], str]] = {
    guards.before_cutoff: (A.SUBMIT, {"cutoff": NOW}, "cutoff_passed"),
    formal_check.before_due: (A.RESUBMIT, {"deadline": NOW}, "due_passed"),
    filing.body_consents: (
        A.WITHDRAW,
        {"list_sealed": True, "fields": {"body_consents": False}},
        "consent_required",
    ),
    formal_check.due_given: (A.REQUEST_CORRECTION, {"fields": {"due": None}}, "due_required"),
    guards.due_passed: (A.LAPSE, {"deadline": None}, "not_due"),
    review.due_within_cutoff: (A.RETURN_FOR_REVISION, {"fields": {"due": NOW}}, "due_in_past"),
    review.every_point_answered: (A.ACCEPT, {"fields": {"answers": {}}}, "screening_unanswered"),
    recommendation.list_open: (A.SEND_BACK, {"list_sealed": True}, "list_sealed"),
    formal_check.national_cutoff_passed: (A.PASS_FORMAL_CHECK, EARLY, "cutoff_not_passed"),
    publication.objection_upheld: (
        A.DISQUALIFY,
        {"fields": {"objection": None}},
        "objection_required",
    ),
    guards.own_case: (A.SEND_BACK, ANOTHERS, "not_yours"),
    guards.reason_given: (A.DECLINE, {"fields": {"reason": None}}, "reason_required"),
    guards.remarks_given: (
        A.RETURN_FOR_REVISION,
        {"fields": {"reason": None}},
        "remarks_required",
    ),
    deadlines.until_in_future: (A.MOVE_DEADLINE, {"fields": {"until": NOW}}, "due_in_past"),
    reopening.ended_by_the_clock: (A.REOPEN, {"recent": ()}, "not_lapsed"),
    reopening.reopened_deadline_ahead: (A.REOPEN, {"cutoff": NOW}, "due_required"),
}
"""What each guard of the law is against."""


def test_each_guard_refuses_in_its_own_words() -> None:
    assert set(AGAINST) == {guard for each in RULES for guard in each.guards}
    for guard, (action, changes, code) in AGAINST.items():
        with pytest.raises(Refused) as refused:
            guard(facts(action, **changes))
        assert refused.value.code == code
        assert refused.value.message.endswith("。")


@pytest.mark.parametrize("action", Action)
def test_an_actions_own_guards_have_nothing_against_a_lawful_one(action: Action) -> None:
    for guard in ACTIONS[action].guards:
        assert guard(facts(action)) is True


def test_without_a_deadline_a_correction_may_come_at_any_time() -> None:
    assert formal_check.before_due(facts(A.RESUBMIT, deadline=None))


def test_the_calendar_as_such_can_always_be_looked_at_again() -> None:
    asked = facts(A.MOVE_DEADLINE, fields={"until": None}, deadline=None)
    assert deadlines.until_in_future(asked)


@pytest.mark.parametrize("role", [Role.ORGANISER, Role.SEASON, Role.PANEL])
def test_offices_of_no_unit_are_nobody_elses(role: Role) -> None:
    actor = Actor(role=role, id="x", org="hunan")
    assert guards.own_case(facts(A.MOVE_DEADLINE, fields={"actor": actor}))


def test_the_role_is_asked_before_anything_else() -> None:
    asked = facts(A.SUBMIT, Role.PANEL, cutoff=NOW)
    with pytest.raises(Refused, match="role_not_allowed"):
        Lifecycle(State.DRAFT).check(A.SUBMIT, asked)


def test_a_refusal_names_state_and_action_in_words_for_people() -> None:
    with pytest.raises(Refused) as refused:
        Lifecycle(State.PUBLISHED).check(A.SUBMIT, facts(A.SUBMIT, Role.APPLICANT))
    assert refused.value.code == "not_in_this_state"
    assert refused.value.message.endswith("。")


class Lives(RuleBasedStateMachine):
    """A case that anybody tries anything on, and a model that knows nothing of the code's."""

    def __init__(self) -> None:
        super().__init__()
        self.life, self.state = Lifecycle(), State.DRAFT
        self.now = NOW - timedelta(days=20)
        self.cutoff, self.national = NOW - timedelta(days=9), NOW - timedelta(days=3)
        self.deadline: datetime | None = self.cutoff
        self.sealed = self.lapsed = False
        self.recent: tuple[StoredTransition, ...] = ()

    @rule(days=st.floats(0.1, 9))
    def time_passes(self, days: float) -> None:
        self.now += timedelta(days=days)

    @rule(
        action=st.sampled_from(Action),
        role=st.sampled_from([*{role for _, _, role in EXPECTED}]),
        said=st.booleans(),
        lawful=st.booleans(),
        days=st.floats(-2, 12),
    )
    def somebody_asks(
        self, action: Action, role: Role, said: bool, lawful: bool, days: float
    ) -> None:
        due = self.now + timedelta(days=days)
        asked = self._facts(action, role, said, lawful, due)
        target = EXPECTED.get((self.state, action, role))
        if target is None or self._forbidden(action, role, said, lawful, due):
            with pytest.raises(Refused):
                self.life.decide(action, asked)
            return
        assert self.life.decide(action, asked) is target
        self.life.enter(target)
        self._enter(action, target, due)

    def _facts(
        self, action: Action, role: Role, said: bool, lawful: bool, due: datetime
    ) -> Facts[Any]:
        fields: dict[str, Any] = {**FIELDS.get(action, {})}
        if action is A.ACCEPT:
            fields["answers"] = dict.fromkeys(POINTS, lawful)
        if action is A.DISQUALIFY:
            fields["objection"] = "2024-07" if lawful else None
        if action is A.WITHDRAW:
            fields["body_consents"] = lawful
        if action in (A.RETURN_FOR_REVISION, A.REQUEST_CORRECTION):
            fields["due"] = due
        if action in (A.MOVE_DEADLINE, A.REOPEN):
            fields["until"] = due
        reason = "sha256:2" if said else None
        command = parse_command(
            action,
            {"actor": Actor(role=role, id="x", org=OWN.get(role)), "reason": reason, **fields},
        )
        here = standing(
            action,
            cutoff=self.cutoff,
            national_cutoff=self.national,
            deadline=self.deadline,
            list_sealed=self.sealed,
            state=self.state,
            recent=self.recent,
        )
        return Facts(command, self.now, here)

    def _forbidden(
        self, action: Action, role: Role, said: bool, lawful: bool, due: datetime
    ) -> bool:
        """Whether the right person in the right state is refused all the same."""
        body_too_far = role is Role.BODY and due > self.national
        passed = self.deadline is not None and self.now >= self.deadline
        against = {
            A.SUBMIT: self.now >= self.cutoff,
            A.RETURN_FOR_REVISION: not said or not self.now < due <= self.cutoff,
            A.ACCEPT: not lawful,
            A.DECLINE: not said,
            A.SEND_BACK: self.sealed,
            A.REQUEST_CORRECTION: not said or due <= self.now,
            A.RESUBMIT: passed,
            A.PASS_FORMAL_CHECK: self.now < self.national,
            A.FAIL_FORMAL_CHECK: not said,
            A.DISQUALIFY: not said or not lawful,
            A.WITHDRAW: self.sealed and not lawful,
            A.LAPSE: not passed,
            A.EXPIRE: not passed,
            A.MOVE_DEADLINE: self.deadline is None or due <= self.now or body_too_far,
            A.REOPEN: not said or not self.lapsed or due <= self.now,
        }
        return against.get(action, False)

    def _enter(self, action: Action, target: State, due: datetime) -> None:
        own = {A.RETURN_FOR_REVISION, A.REQUEST_CORRECTION, A.MOVE_DEADLINE, A.REOPEN}
        if action in own:
            self.deadline = due
        elif target is not self.state:
            self.deadline = self.cutoff if target is State.DRAFT else None
        self.sealed = self.sealed or action is A.RECOMMEND
        self.lapsed = action is A.LAPSE
        self.recent = (ended_by(action, self.state, target),)
        self.state = target

    @invariant()
    def both_stand_alike(self) -> None:
        assert self.life.state is self.state

    @invariant()
    def an_end_is_left_by_nobody_unless_a_date_ended_it(self) -> None:
        if self.state in FINAL:
            leaving = {action for source, action, _ in EXPECTED if source is self.state}
            assert leaving <= {A.REOPEN}


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
