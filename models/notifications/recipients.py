"""Who hears of what: for each event the roles that are told, as one table."""

from collections.abc import Mapping

from models.cases.actions.names import Action, EventName
from models.cases.actions.registry import ACTIONS, BY_EVENT
from models.cases.actors import Role
from models.cases.events import CaseEventData
from models.cases.states import SEALED, State

NOTIFIED_ROLES: Mapping[EventName, tuple[Role, ...]] = {
    name: tuple(each.notified) for name, each in BY_EVENT.items()
}
"""Each event with the roles that may be notified of it, the applicant first."""

REMINDERS = frozenset(name for name, each in BY_EVENT.items() if each.reminds)
"""Events that concern only those from whom something is awaited."""

CONCERNED: Mapping[Role, frozenset[State]] = {
    Role.ORGANISER: SEALED,
    Role.PANEL: frozenset({State.EXPERT_REVIEW, State.ORAL_DEFENSE}),
    Role.EXPERT: frozenset({State.EXPERT_REVIEW, State.ORAL_DEFENSE}),
}
"""Where a role has the case before it. A case that leaves earlier is none of its news."""


ACTS_IN: Mapping[Role, Role] = {Role.EXPERT: Role.PANEL}
"""Who does the work of which role: what the panel owes, its experts owe."""

PREPARES: Mapping[State, Role] = {State.ORAL_DEFENSE: Role.APPLICANT}
"""Who has to come prepared to what another role holds: the applicant with material."""


def keeps_deadline(role: Role, state: State, awaited: Role | None) -> bool:
    """Whether the deadline of a state is one for a role, too.

    Args:
        role: Whose deadline it may be.
        state: Where the case stands.
        awaited: From which role something is awaited there; None: from nobody.
    """
    if awaited is None:
        return False
    return awaited in (role, ACTS_IN.get(role)) or PREPARES.get(state) is role


def roles_notified(data: CaseEventData) -> tuple[Role, ...]:
    """Return the roles that are told of an event, in the order of the table."""
    name = ACTIONS[data.action].event
    if name in REMINDERS:
        return tuple(role for role in NOTIFIED_ROLES[name] if _is_reminded(role, data))
    return tuple(role for role in NOTIFIED_ROLES[name] if _has_it(role, data))


def _is_reminded(role: Role, data: CaseEventData) -> bool:
    # A calendar that moved without moving this case's deadline is no news to anybody.
    unmoved = data.action is Action.MOVE_DEADLINE and data.deadline == data.deadline_before
    # Once it has passed, it is not the prepared who are late.
    over = data.action is Action.EXPIRE and PREPARES.get(data.target) is role
    return keeps_deadline(role, data.target, data.awaited) and not unmoved and not over


def _has_it(role: Role, data: CaseEventData) -> bool:
    states = CONCERNED.get(role)
    return states is None or data.source in states or data.target in states
