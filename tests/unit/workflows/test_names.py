"""Names that running cases, histories, dashboards and scripts hold for months: pinned."""

from temporalio.activity import _Definition as ActivityDefinition
from temporalio.workflow import _Definition as WorkflowDefinition

from activities.cases import CaseActivities
from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.actors import Role
from models.cases.states import State
from workflows import names
from workflows.case import CaseWorkflow

WORKFLOW, NAMESPACE, TASK_QUEUE = "Case", "tuixuan", "tuixuan-cases"
QUERY, ACTIVITIES = "snapshot", {"commit_transition", "read_standing"}
PATCHES = ("continue-from-record-2026-11", "cancellation-noted-2026-11")

UPDATES = """
    submit return_for_revision accept decline send_back recommend leave_out
    request_correction resubmit pass_formal_check fail_formal_check shortlist select
    not_select publish disqualify withdraw move_deadline reopen catch_up
""".split()  # noqa: SIM905 - a table to be read

BY_THE_CLOCK = ["lapse", "remind", "expire"]

STATES = """
    draft province_review recommendation formal_check correction expert_review
    oral_defense publication published not_recommended ineligible not_selected withdrawn
    lapsed disqualified
""".split()  # noqa: SIM905 - a table to be read

ROLES = """
    applicant body organiser panel season expert operator auditor public
""".split()  # noqa: SIM905 - a table to be read

SEARCH_ATTRIBUTES = {
    "CaseState": "Keyword",
    "CaseSeq": "Int",
    "Season": "Keyword",
    "Category": "Keyword",
    "Body": "Keyword",
    "Deadline": "Datetime",
    "Overdue": "Bool",
    "ReturnRounds": "Int",
}

COMMAND_FIELDS = {
    "submit": {"revision", "content"},
    "resubmit": {"revision", "content"},
    "return_for_revision": {"due"},
    "request_correction": {"due"},
    "accept": {"answers"},
    "recommend": {"rank"},
    "disqualify": {"objection"},
    "withdraw": {"body_consents"},
    "remind": {"deadline", "offset"},
    "expire": {"deadline"},
    "move_deadline": {"until"},
    "reopen": {"until"},
}


def test_the_workflow_is_known_by_these_names() -> None:
    defined = WorkflowDefinition.must_from_class(CaseWorkflow)
    assert defined.name == WORKFLOW
    by_people = {each.action for each in ACTIONS.values() if each.verb is not None}
    assert set(defined.updates) == {*by_people, names.CATCH_UP}
    assert set(UPDATES) <= set(defined.updates), "a pinned name never goes"
    assert set(defined.queries) == {QUERY}
    assert set(defined.signals) == set()
    assert names.NAMESPACE == NAMESPACE
    assert names.TASK_QUEUE == TASK_QUEUE
    assert names.case_workflow_id("case_1") == "case/case_1"


def test_every_update_but_the_repair_has_a_validator() -> None:
    updates = WorkflowDefinition.must_from_class(CaseWorkflow).updates
    assert {name for name, update in updates.items() if update.validator} == {*updates} - {
        names.CATCH_UP
    }
    assert all(update.description for update in updates.values())


def test_the_activities_are_known_by_these_names() -> None:
    registered = {
        ActivityDefinition.must_from_callable(activity).name
        for activity in (CaseActivities.commit_transition, CaseActivities.read_standing)
    }
    assert registered == ACTIVITIES == {names.COMMIT_TRANSITION, names.READ_STANDING}


def test_states_actions_and_roles_keep_their_values() -> None:
    assert [*State] == STATES
    assert {*UPDATES, *BY_THE_CLOCK} - {names.CATCH_UP} <= {*Action}
    assert [*Role] == ROLES


def test_search_attributes_keep_names_and_types() -> None:
    assert names.SEARCH_ATTRIBUTES == SEARCH_ATTRIBUTES


def test_patches_and_the_ids_of_the_clock_stay() -> None:
    assert names.PATCHES == PATCHES
    assert names.TIMER_UPDATE == "timer:"
    assert names.REFUSED == "Refused"


def test_commands_keep_their_fields() -> None:
    fields = {
        action: set(declared.command.model_fields) - {"actor", "reason"}
        for action, declared in ACTIONS.items()
    }
    assert {action: fields[Action(action)] for action in COMMAND_FIELDS} == COMMAND_FIELDS
    unpinned = {*UPDATES, *BY_THE_CLOCK} - {*COMMAND_FIELDS, names.CATCH_UP}
    assert [name for name in unpinned if fields[Action(name)]] == []
