"""The machine of one case: what its state allows, and where an action leads.

The rules derive from the declarations in `models.cases.actions`. The workflow asks the
machine; `docs/lifecycle.md` is drawn from the rules; the tests walk every (state, action,
role) of them.
"""

import logging
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from transitions import Machine

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.actors import Role
from models.cases.guards import Facts, Guard
from models.cases.states import State
from models.refusals import Refused
from models.wording import role_name, state_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from transitions.core import TransitionConfigDict

# transitions logs each trigger at INFO, on replay too.
logging.getLogger("transitions").setLevel(logging.WARNING)


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
    guards: tuple[Guard[Any], ...] = ()


RULES: tuple[Rule, ...] = tuple(
    Rule(each.action, move.sources, move.dest, each.roles, each.guards)
    for each in ACTIONS.values()
    for move in each.moves
)


def _role_allowed(roles: tuple[Role, ...]) -> Guard[Any]:
    def role_allowed(facts: Facts[Any]) -> Literal[True]:
        if facts.command.actor.role not in roles:
            wanted = "、".join(map(role_name, roles))
            raise Refused(
                "role_not_allowed",
                f"角色{role_name(facts.command.actor.role)}不能办理此事项，只有{wanted}可以。",
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
        may_trigger: Callable[[str, Facts[Any]], bool]

    def __init__(self, state: State = State.DRAFT) -> None:
        self._machine = Machine(
            model=self,
            states=State,
            transitions=TRANSITIONS,
            initial=state,
            auto_transitions=False,
            model_override=False,
        )

    def check(self, action: Action, facts: Facts[Any]) -> None:
        """Refuse with a reason, or pass; change nothing.

        Raises:
            Refused: The state, the role or a guard is against it.
        """
        if action not in self._machine.get_triggers(self.state):
            words = ACTIONS[action].words
            raise Refused(
                "not_in_this_state",
                f"案例当前状态为{state_name(self.state)}，不能{words.zh}。",
            )
        if not self.may_trigger(action, facts):
            raise Refused("no_open_branch", f"从 {self.state} 出发没有可行的 {action}。")

    def decide(self, action: Action, facts: Facts[Any]) -> State:
        """Return the state that `action` leads to; change nothing.

        Raises:
            Refused: As `check` does.
        """
        self.check(action, facts)
        return next(
            move.dest or self.state for move in ACTIONS[action].moves if self.state in move.sources
        )

    def enter(self, target: State) -> None:
        """Move as a committed transition says: this update's own, or one adopted."""
        self._machine.set_state(target)
