"""Every (state, action, role) triple, from one table written apart from the code's own."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS, parse_command
from models.cases.actors import Actor, Role
from models.cases.agenda import Agenda
from models.cases.guards import Facts
from models.cases.lifecycle import RULES, Lifecycle
from models.cases.messages import Outlook, Standing, StoredTransition
from models.cases.states import AT_WORK, FINAL, State
from models.refusals import Refused

A, S = Action, State
NOW = datetime(2024, 4, 20, 2, 0, tzinfo=UTC)
AHEAD, PAST = NOW + timedelta(days=3), NOW - timedelta(days=3)
POINTS = ("complete", "new")
OWN = {Role.APPLICANT: "unit_1", Role.BODY: "fujian"}

OPEN = "draft province_review recommendation formal_check correction expert_review oral_defense"
WORK = f"{OPEN} publication"

TABLE = """
submit              | draft                           | applicant | province_review
return_for_revision | province_review                 | body      | draft
accept              | province_review                 | body      | recommendation
decline             | province_review                 | body      | not_recommended
send_back           | recommendation                  | body      | province_review
recommend           | recommendation                  | body      | formal_check
leave_out           | recommendation                  | body      | not_recommended
request_correction  | formal_check                    | organiser | correction
resubmit            | correction                      | applicant | formal_check
pass_formal_check   | formal_check                    | organiser | expert_review
fail_formal_check   | formal_check                    | organiser | ineligible
shortlist           | expert_review                   | panel     | oral_defense
select              | expert_review oral_defense      | panel     | publication
not_select          | expert_review oral_defense      | panel     | not_selected
publish             | publication                     | season    | published
disqualify          | publication published           | organiser | disqualified
withdraw            | {OPEN}                          | applicant | withdrawn
lapse               | draft                           | season    | lapsed
lapse               | correction                      | season    | withdrawn
remind              | {WORK}                          | season    | =
expire              | {WORK}                          | season    | =
move_deadline       | {WORK}                          | organiser body season | =
reopen              | lapsed                          | organiser season | draft
reopen              | withdrawn                       | organiser season | correction
"""
"""Action, from, who, to, and the notes that move nothing."""


def _expected() -> dict[tuple[State, Action, Role], State]:
    expected = {}
    for line in TABLE.replace("{OPEN}", OPEN).replace("{WORK}", WORK).strip().splitlines():
        action, sources, roles, dest = (cell.strip() for cell in line.split("|"))
        for source, role in product(sources.split(), roles.split()):
            target = State(source if dest == "=" else dest)
            expected[State(source), Action(action), Role(role)] = target
    return expected


EXPECTED = _expected()

FIELDS: dict[Action, dict[str, Any]] = {
    A.SUBMIT: {"revision": 1, "content": "sha256:1"},
    A.RESUBMIT: {"revision": 1, "content": "sha256:1"},
    A.ACCEPT: {"answers": dict.fromkeys(POINTS, True)},
    A.REQUEST_CORRECTION: {"due": AHEAD},
    A.DISQUALIFY: {"objection": "2024-07"},
    A.WITHDRAW: {"body_consents": True},
    A.REMIND: {"deadline": AHEAD, "offset": 3},
    A.EXPIRE: {"deadline": PAST},
}
"""What each action needs so that no guard but the role is against it."""


def facts(action: Action, role: Role = Role.ORGANISER, **changes: Any) -> Facts[Any]:
    """Return facts under which only state and role can refuse `action`.

    Args:
        action: What is asked.
        role: Who asks.
        changes: `fields` of the command, `now`, `body`, or of the outlook.
    """
    fields = {**FIELDS.get(action, {}), **changes.pop("fields", {})}
    command = parse_command(
        action,
        {"actor": Actor(role=role, id="x", org=OWN.get(role)), "reason": "sha256:2", **fields},
    )
    now = changes.pop("now", NOW)
    return Facts(command, now, standing(action, changes.pop("body", "fujian"), **changes))


def ended_by(action: Action, source: State = S.DRAFT, target: State = S.LAPSED) -> StoredTransition:
    """Return the newest line of the history of a case that an action ended."""
    return StoredTransition(
        case_id="case_1", seq=1, update_id="x", action=action, source=source, target=target,
        actor_role=Role.SEASON, actor_id="clock", at=NOW, command_digest="", hash="",
    )  # fmt: skip


def standing(action: Action, body: str = "fujian", **changes: Any) -> Standing:
    """Return where a case stands; `changes`: of its outlook, its `state`, what `recent`ly came."""
    lapsed = (ended_by(A.LAPSE),) if action is A.REOPEN else ()
    state, recent = changes.pop("state", S.DRAFT), changes.pop("recent", lapsed)
    timed = action in (A.LAPSE, A.EXPIRE)
    outlook = {
        "title": "title", "unit": "unit_1", "category": "c", "cutoff": AHEAD,
        "national_cutoff": PAST, "deadline": PAST if timed else AHEAD, "overdue": False,
        "return_rounds": 0, "agenda": Agenda(), "screening": POINTS, "list_sealed": False,
    }  # fmt: skip
    return Standing(
        case_id="case_1", season="2024", body=body, state=state, seq=0, since=NOW, recent=recent,
        outlook=Outlook.model_validate({**outlook, **changes}),
    )  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_every_state_action_and_role(state: State, action: Action) -> None:
    for role in Role:
        target = EXPECTED.get((state, action, role))
        life = Lifecycle(state)
        if target is None:
            with pytest.raises(Refused) as refusal:
                life.decide(action, facts(action, role))
            possible = any((state, action, other) in EXPECTED for other in Role)
            assert refusal.value.code == ("role_not_allowed" if possible else "not_in_this_state")
        else:
            assert life.decide(action, facts(action, role)) is target
        assert life.state is state, "deciding moves nothing"


def test_the_tables_speak_of_the_same_things() -> None:
    ours = {
        (source, rule.action, role)
        for rule in RULES
        for source, role in product(rule.sources, rule.roles)
    }
    assert ours == set(EXPECTED)


def test_of_the_ends_only_published_and_what_a_date_ended_can_still_change() -> None:
    leaving = {source for source, action, _ in EXPECTED if not ACTIONS[action].is_note}
    assert leaving == {*AT_WORK, S.PUBLISHED, S.LAPSED, S.WITHDRAWN}
    assert {action for source, action, _ in EXPECTED if source in FINAL} == {A.REOPEN}


@pytest.mark.parametrize(
    ("action", "state", "changes", "code"),
    [
        (A.SUBMIT, S.DRAFT, {"cutoff": NOW}, "cutoff_passed"),
        (A.SUBMIT, S.DRAFT, {"unit": "unit_2"}, "not_yours"),
        (
            A.RETURN_FOR_REVISION,
            S.PROVINCE_REVIEW,
            {"fields": {"reason": None}},
            "remarks_required",
        ),
        (A.RETURN_FOR_REVISION, S.PROVINCE_REVIEW, {"cutoff": NOW}, "cutoff_passed"),
        (A.RETURN_FOR_REVISION, S.PROVINCE_REVIEW, {"fields": {"due": PAST}}, "due_in_past"),
        (A.RETURN_FOR_REVISION, S.PROVINCE_REVIEW, {"fields": {"due": NOW}}, "due_in_past"),
        (A.RETURN_FOR_REVISION, S.PROVINCE_REVIEW, {"fields": {"due": AHEAD}}, None),
        (
            A.RETURN_FOR_REVISION,
            S.PROVINCE_REVIEW,
            {"fields": {"due": AHEAD + timedelta(seconds=1)}},
            "due_after_cutoff",
        ),
        (
            A.ACCEPT,
            S.PROVINCE_REVIEW,
            {"fields": {"answers": {"new": True}}},
            "screening_unanswered",
        ),
        (
            A.ACCEPT,
            S.PROVINCE_REVIEW,
            {"fields": {"answers": {"new": False, "complete": True}}},
            "screening_failed",
        ),
        (
            A.ACCEPT,
            S.PROVINCE_REVIEW,
            {"fields": {"answers": {"other": True}}},
            "screening_unknown",
        ),
        (A.DECLINE, S.PROVINCE_REVIEW, {"fields": {"reason": None}}, "reason_required"),
        (A.SEND_BACK, S.RECOMMENDATION, {"list_sealed": True}, "list_sealed"),
        (A.REQUEST_CORRECTION, S.FORMAL_CHECK, {"fields": {"reason": None}}, "remarks_required"),
        (A.REQUEST_CORRECTION, S.FORMAL_CHECK, {"fields": {"due": None}}, "due_required"),
        (A.REQUEST_CORRECTION, S.FORMAL_CHECK, {"fields": {"due": NOW}}, "due_in_past"),
        (A.RESUBMIT, S.CORRECTION, {"deadline": NOW}, "due_passed"),
        (A.RESUBMIT, S.CORRECTION, {"deadline": NOW + timedelta(microseconds=1)}, None),
        (A.PASS_FORMAL_CHECK, S.FORMAL_CHECK, {"national_cutoff": AHEAD}, "cutoff_not_passed"),
        (A.PASS_FORMAL_CHECK, S.FORMAL_CHECK, {"national_cutoff": NOW}, None),
        (A.FAIL_FORMAL_CHECK, S.FORMAL_CHECK, {"fields": {"reason": None}}, "reason_required"),
        (A.DISQUALIFY, S.PUBLISHED, {"fields": {"objection": None}}, "objection_required"),
        (A.DISQUALIFY, S.PUBLISHED, {"fields": {"reason": None}}, "reason_required"),
        (A.WITHDRAW, S.DRAFT, {"fields": {"body_consents": False}}, None),
        (
            A.WITHDRAW,
            S.EXPERT_REVIEW,
            {"list_sealed": True, "fields": {"body_consents": False}},
            "consent_required",
        ),
        (A.LAPSE, S.DRAFT, {"deadline": AHEAD}, "not_due"),
        (A.LAPSE, S.DRAFT, {"deadline": None}, "not_due"),
        (A.LAPSE, S.DRAFT, {"deadline": NOW}, None),
        (A.EXPIRE, S.PUBLICATION, {"deadline": AHEAD}, "not_due"),
        (A.MOVE_DEADLINE, S.DRAFT, {"fields": {"until": PAST}}, "due_in_past"),
        (A.MOVE_DEADLINE, S.DRAFT, {"fields": {"until": AHEAD}, "deadline": None}, "no_deadline"),
        (A.REOPEN, S.LAPSED, {"fields": {"reason": None}}, "reason_required"),
        (A.REOPEN, S.LAPSED, {"fields": {"until": NOW}}, "due_in_past"),
        (A.REOPEN, S.LAPSED, {"cutoff": NOW}, "due_required"),
        (A.REOPEN, S.LAPSED, {"cutoff": NOW, "fields": {"until": AHEAD}}, None),
        (A.REOPEN, S.LAPSED, {"cutoff": AHEAD}, None),
        (A.REOPEN, S.WITHDRAWN, {"state": S.WITHDRAWN}, "due_required"),
        (A.REOPEN, S.WITHDRAWN, {"state": S.WITHDRAWN, "fields": {"until": AHEAD}}, None),
        (A.REOPEN, S.WITHDRAWN, {"recent": (ended_by(A.WITHDRAW),)}, "not_lapsed"),
        (A.REOPEN, S.WITHDRAWN, {"recent": ()}, "not_lapsed"),
    ],
)
def test_guards(action: Action, state: State, changes: dict[str, Any], code: str | None) -> None:
    role = next(role for source, what, role in EXPECTED if (source, what) == (state, action))
    life, asked = Lifecycle(state), facts(action, role, **changes)
    if code is None:
        assert life.decide(action, asked) is EXPECTED[state, action, role]
        return
    with pytest.raises(Refused) as refusal:
        life.decide(action, asked)
    assert refusal.value.code == code
    assert refusal.value.message


@pytest.mark.parametrize(
    ("role", "org", "refused"),
    [
        (Role.BODY, "guangdong", True),
        (Role.BODY, "fujian", False),
        (Role.BODY, None, True),
        (Role.APPLICANT, None, True),
        (Role.APPLICANT, "unit_2", True),
        (Role.APPLICANT, "unit_1", False),
    ],
)
def test_only_the_cases_own_unit_and_body_act_on_it(
    role: Role, org: str | None, refused: bool
) -> None:
    action = A.SEND_BACK if role is Role.BODY else A.SUBMIT
    state = S.RECOMMENDATION if role is Role.BODY else S.DRAFT
    asked = facts(action, role, fields={"actor": Actor(role=role, id="x", org=org)})
    if refused:
        with pytest.raises(Refused, match="not_yours"):
            Lifecycle(state).decide(action, asked)
    else:
        Lifecycle(state).decide(action, asked)


@pytest.mark.parametrize("state", State)
def test_entering_follows_the_record(state: State) -> None:
    life = Lifecycle()
    life.enter(state)
    assert life.state is state


def test_a_body_extends_nothing_beyond_the_national_cutoff() -> None:
    for role, refused in ((Role.BODY, True), (Role.ORGANISER, False)):
        asked = facts(A.MOVE_DEADLINE, role, fields={"until": AHEAD}, national_cutoff=NOW)
        life = Lifecycle(S.DRAFT)
        if refused:
            with pytest.raises(Refused, match="after_national_cutoff"):
                life.decide(A.MOVE_DEADLINE, asked)
        else:
            assert life.decide(A.MOVE_DEADLINE, asked) is S.DRAFT
