"""What one action is: everything that the rest of the program derives from its declaration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple

from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.columns import Columns
from models.cases.commands import Command
from models.cases.guards import Guard, own_case, reason_given, remarks_given
from models.cases.states import State
from models.wording import Words


class Move(NamedTuple):
    """A line of the rule: from which states to which. `dest` None: the case stays."""

    sources: tuple[State, ...]
    dest: State | None


class Reason(Enum):
    """Whether a text comes with an action; what is required is asked for in its own words."""

    NONE = auto()
    OPTIONAL = auto()
    REASON = auto()
    REMARKS = auto()


class Option(NamedTuple):
    """How the command line asks for one field of a command.

    Attributes:
        help: One line in Chinese; `{when}` becomes the forms in which a time may be typed.
        flag: The option, where it is not the field's own name.
        positional: It is an argument, in capitals, and no option.
    """

    help: str
    flag: str | None = None
    positional: bool = False


class Verb(NamedTuple):
    """The action's command `tuixuan case NAME`.

    Attributes:
        name: How it is called.
        help: One line in Chinese.
        options: Field → how it is asked for.
        extends: Whether it moves a date: its effect is shown first, and it asks.
    """

    name: str
    help: str
    options: Mapping[str, Option] = {}
    extends: bool = False


def no_changes(_case: Columns, _command: Command) -> dict[str, Any]:
    """Change nothing but what every action changes."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Declaration[C: Command]:
    """One action, whole. To add one, see CONTRIBUTING.

    Attributes:
        action: Its name, which is also the name of the workflow's update.
        command: The class of its command.
        moves: From where to where.
        roles: Who may; the first of them is meant where nobody is named.
        extra_guards: What else must hold, besides what `guards` derives.
        event: What is announced.
        words: The action's name for people.
        headline: How a notification's subject begins.
        notified: The roles that may be notified, in order, with the sentence for each.
        reason: Whether a text comes with it.
        reason_notified: Whether that text is part of the notification.
        reminds: Whether it concerns only those from whom something is awaited.
        changes: Computes the columns of the case that only this action changes. Pure.
        event_data: Computes the fields of the event that only this action fills. Pure.
        verb: Its command; None: only workflows do it.
    """

    action: Action
    command: type[C]
    moves: tuple[Move, ...]
    roles: tuple[Role, ...]
    extra_guards: tuple[Guard[C], ...] = ()
    event: EventName
    words: Words
    headline: Words
    notified: Mapping[Role, Words]
    reason: Reason = Reason.NONE
    reason_notified: bool = False
    reminds: bool = False
    changes: Callable[[Columns, C], dict[str, Any]] = no_changes
    event_data: Callable[[Columns, C], dict[str, Any]] = no_changes
    verb: Verb | None = None
    guards: tuple[Guard[C], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Derive the guards: whose case it is, the text that is due, and what else is asked."""
        guards: list[Guard[C]] = []
        if {Role.APPLICANT, Role.BODY} & set(self.roles):
            guards.append(own_case)
        if self.reason is Reason.REASON:
            guards.append(reason_given)
        if self.reason is Reason.REMARKS:
            guards.append(remarks_given)
        object.__setattr__(self, "guards", (*guards, *self.extra_guards))

    @property
    def is_note(self) -> bool:
        """Whether it only notes something and leaves the case where it is."""
        return all(move.dest is None for move in self.moves)
