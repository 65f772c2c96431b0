"""Who is notified of what: for each event the roles, as one table."""

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
"""In which states a case is before a role; the role is not notified of one that ended earlier."""


ACTS_IN: Mapping[Role, Role] = {Role.EXPERT: Role.PANEL}
"""Whose work a role does: what is awaited from the panel is awaited from its experts."""

PREPARES: Mapping[State, Role] = {State.ORAL_DEFENSE: Role.APPLICANT}
"""Who has to prepare for what another role holds: the applicant, with material."""


def keeps_deadline(role: Role, state: State, awaited: Role | None) -> bool:
    """Whether a role has to keep the deadline of a state.

    Args:
        role: The role in question.
        state: Where the case stands.
        awaited: The role from which something is awaited there; None: nobody.
    """
    if awaited is None:
        return False
    return awaited in (role, ACTS_IN.get(role)) or PREPARES.get(state) is role


def roles_notified(data: CaseEventData) -> tuple[Role, ...]:
    """Return the roles that are notified of an event, in the order of the table."""
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
