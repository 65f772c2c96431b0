"""All actions, in the order of their names; every table of the program derives from here."""

from collections.abc import Mapping
from typing import Any

from models.cases.actions import (
    deadlines,
    filing,
    formal_check,
    judging,
    publication,
    recommendation,
    reopening,
    review,
)
from models.cases.actions.declaration import Declaration
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.commands import Command

_STAGES = (
    filing, review, recommendation, formal_check, judging, publication, deadlines, reopening,
)  # fmt: skip
_DECLARED = {each.action: each for stage in _STAGES for each in stage.ACTIONS}

ACTIONS: Mapping[Action, Declaration[Any]] = {action: _DECLARED[action] for action in Action}
"""Each action with its declaration."""

BY_EVENT: Mapping[EventName, Declaration[Any]] = {each.event: each for each in ACTIONS.values()}
"""The declaration of the action that each event announces."""


def parse_command(action: Action, values: Mapping[str, Any]) -> Command:
    """Return the command that carries an action, checked.

    Raises:
        ValidationError: A field is missing, unknown or wrong.
    """
    command: Command = ACTIONS[action].command.model_validate(values)
    return command


def allowed_roles(action: Action) -> tuple[Role, ...]:
    """Return who may do `action`, in any state."""
    return ACTIONS[action].roles
