"""The life of a case: every state, every action, who may, and under which guards.

This table is the law. The workflow asks it; `docs/lifecycle.md` is
drawn from it; the tests walk every (state, action, role) of it.
"""

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from transitions import Machine

from models.cases.commands import Role
from models.cases.guards import (
    Facts,
    Guard,
    before_cutoff,
    before_due,
    body_consents,
    due_given,
    due_passed,
    due_within_cutoff,
    every_point_answered,
    list_open,
    national_cutoff_passed,
    objection_upheld,
    own_case,
    reason_given,
    remarks_given,
    until_in_future,
)
from models.refusals import Refused
from models.wording import ACTIONS, state_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from transitions.core import TransitionConfigDict

# transitions logs each trigger at INFO, on replay too.
logging.getLogger("transitions").setLevel(logging.WARNING)


class State(StrEnum):
    """Where a case stands."""

    DRAFT = "draft"
    PROVINCE_REVIEW = "province_review"
    RECOMMENDATION = "recommendation"
    FORMAL_CHECK = "formal_check"
    CORRECTION = "correction"
    EXPERT_REVIEW = "expert_review"
    ORAL_DEFENSE = "oral_defense"
    PUBLICATION = "publication"
    PUBLISHED = "published"
    NOT_RECOMMENDED = "not_recommended"
    INELIGIBLE = "ineligible"
    NOT_SELECTED = "not_selected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    DISQUALIFIED = "disqualified"


class Action(StrEnum):
    """What can be done to a case; the last three note something and move nothing."""

    SUBMIT = "submit"
    RETURN_FOR_REVISION = "return_for_revision"
    ACCEPT = "accept"
    DECLINE = "decline"
    SEND_BACK = "send_back"
    RECOMMEND = "recommend"
    LEAVE_OUT = "leave_out"
    REQUEST_CORRECTION = "request_correction"
    RESUBMIT = "resubmit"
    PASS_FORMAL_CHECK = "pass_formal_check"
    FAIL_FORMAL_CHECK = "fail_formal_check"
    SHORTLIST = "shortlist"
    SELECT = "select"
    NOT_SELECT = "not_select"
    PUBLISH = "publish"
    DISQUALIFY = "disqualify"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    REMIND = "remind"
    EXPIRE = "expire"
    MOVE_DEADLINE = "move_deadline"


S, A = State, Action

EDITABLE = frozenset({State.DRAFT, State.CORRECTION})
"""In which the form may be changed."""

FINAL = frozenset({
    S.NOT_RECOMMENDED, S.INELIGIBLE, S.NOT_SELECTED, S.WITHDRAWN, S.LAPSED, S.DISQUALIFIED,
})  # fmt: skip
"""Ends that nothing leaves. `published` is an end too, open to `disqualify`."""

ENDED = FINAL | {S.PUBLISHED}
"""States in which nothing is awaited any more."""

SEALED = frozenset({
    S.FORMAL_CHECK, S.CORRECTION, S.EXPERT_REVIEW, S.ORAL_DEFENSE, S.PUBLICATION,
})  # fmt: skip
"""States that only a case on a sealed list reaches."""

AT_WORK = tuple(state for state in S if state not in ENDED)
WITHDRAWABLE = tuple(state for state in AT_WORK if state is not S.PUBLICATION)


class Rule(NamedTuple):
    """One line of the law.

    Attributes:
        action: What is done.
        sources: From where.
        dest: To where; None: the case stays where it is.
        roles: Who may.
        guards: What else must hold, in the order in which it is asked.
    """

    action: Action
    sources: tuple[State, ...]
    dest: State | None
    roles: tuple[Role, ...]
    guards: tuple[Guard, ...] = ()


_APPLICANT, _BODY, _ORGANISER = (Role.APPLICANT,), (Role.BODY,), (Role.ORGANISER,)
_PANEL, _SEASON = (Role.PANEL,), (Role.SEASON,)
_REVIEWED = (S.EXPERT_REVIEW, S.ORAL_DEFENSE)

# fmt: off
RULES: tuple[Rule, ...] = (
    Rule(A.SUBMIT, (S.DRAFT,), S.PROVINCE_REVIEW, _APPLICANT, (own_case, before_cutoff)),
    Rule(A.RETURN_FOR_REVISION, (S.PROVINCE_REVIEW,), S.DRAFT, _BODY,
         (own_case, remarks_given, before_cutoff, due_within_cutoff)),
    Rule(A.ACCEPT, (S.PROVINCE_REVIEW,), S.RECOMMENDATION, _BODY, (own_case, every_point_answered)),
    Rule(A.DECLINE, (S.PROVINCE_REVIEW,), S.NOT_RECOMMENDED, _BODY, (own_case, reason_given)),
    Rule(A.SEND_BACK, (S.RECOMMENDATION,), S.PROVINCE_REVIEW, _BODY, (own_case, list_open)),
    Rule(A.RECOMMEND, (S.RECOMMENDATION,), S.FORMAL_CHECK, _BODY, (own_case,)),
    Rule(A.LEAVE_OUT, (S.RECOMMENDATION,), S.NOT_RECOMMENDED, _BODY, (own_case,)),
    Rule(A.REQUEST_CORRECTION, (S.FORMAL_CHECK,), S.CORRECTION, _ORGANISER,
         (remarks_given, due_given)),
    Rule(A.RESUBMIT, (S.CORRECTION,), S.FORMAL_CHECK, _APPLICANT, (own_case, before_due)),
    Rule(A.PASS_FORMAL_CHECK, (S.FORMAL_CHECK,), S.EXPERT_REVIEW, _ORGANISER,
         (national_cutoff_passed,)),
    Rule(A.FAIL_FORMAL_CHECK, (S.FORMAL_CHECK,), S.INELIGIBLE, _ORGANISER, (reason_given,)),
    Rule(A.SHORTLIST, (S.EXPERT_REVIEW,), S.ORAL_DEFENSE, _PANEL),
    Rule(A.SELECT, _REVIEWED, S.PUBLICATION, _PANEL),
    Rule(A.NOT_SELECT, _REVIEWED, S.NOT_SELECTED, _PANEL),
    Rule(A.PUBLISH, (S.PUBLICATION,), S.PUBLISHED, _SEASON),
    Rule(A.DISQUALIFY, (S.PUBLICATION, S.PUBLISHED), S.DISQUALIFIED, _ORGANISER,
         (reason_given, objection_upheld)),
    Rule(A.WITHDRAW, WITHDRAWABLE, S.WITHDRAWN, _APPLICANT, (own_case, body_consents)),
    Rule(A.LAPSE, (S.DRAFT,), S.LAPSED, _SEASON, (due_passed,)),
    Rule(A.LAPSE, (S.CORRECTION,), S.WITHDRAWN, _SEASON, (due_passed,)),
    Rule(A.REMIND, AT_WORK, None, _SEASON),
    Rule(A.EXPIRE, AT_WORK, None, _SEASON, (due_passed,)),
    Rule(A.MOVE_DEADLINE, AT_WORK, None, (Role.ORGANISER, Role.BODY, Role.SEASON),
         (own_case, until_in_future)),
)
# fmt: on

NOTES = frozenset(rule.action for rule in RULES if rule.dest is None)
"""Actions that put something on record and leave the case where it is."""


def allowed_roles(action: Action) -> tuple[Role, ...]:
    """Return who may do `action`, in any state."""
    return next(rule.roles for rule in RULES if rule.action is action)


def _role_allowed(roles: tuple[Role, ...]) -> Guard:
    def role_allowed(facts: Facts) -> Literal[True]:
        if facts.command.actor.role not in roles:
            wanted = "、".join(roles)
            raise Refused(
                "role_not_allowed",
                f"角色 {facts.command.actor.role} 不能办理此事项，只有 {wanted} 可以。",
            )
        return True

    return role_allowed


def _as_transition(rule: Rule) -> "TransitionConfigDict":
    return {
        "trigger": rule.action,
        "source": list(rule.sources),
        "dest": "=" if rule.dest is None else rule.dest,
        "conditions": [_role_allowed(rule.roles), *rule.guards],
    }


TRANSITIONS: "list[TransitionConfigDict]" = [_as_transition(rule) for rule in RULES]


class Lifecycle:
    """The state of one case. Reads no clock and does no I/O."""

    state: State
    if TYPE_CHECKING:  # bound by the Machine
        may_trigger: Callable[[str, Facts], bool]

    def __init__(self, state: State = State.DRAFT) -> None:
        """Stand at `state`, as a new case or one restored from the record."""
        self._machine = Machine(
            model=self,
            states=State,
            transitions=TRANSITIONS,
            initial=state,
            auto_transitions=False,
            model_override=False,
        )

    def check(self, action: Action, facts: Facts) -> None:
        """Refuse with a reason, or pass; change nothing.

        Raises:
            Refused: The state, the role or a guard is against it.
        """
        if action not in self._machine.get_triggers(self.state):
            raise Refused(
                "not_in_this_state",
                f"案例当前状态为{state_name(self.state)}，不能{ACTIONS[action].zh}。",
            )
        if not self.may_trigger(action, facts):
            raise Refused("no_open_branch", f"从 {self.state} 出发没有可行的 {action}。")

    def decide(self, action: Action, facts: Facts) -> State:
        """Return the state that `action` leads to; change nothing.

        Raises:
            Refused: As `check` does.
        """
        self.check(action, facts)
        return next(
            rule.dest or self.state
            for rule in RULES
            if rule.action is action and self.state in rule.sources
        )

    def enter(self, target: State) -> None:
        """Move as a committed transition says: this update's own, or one adopted."""
        self._machine.set_state(target)
