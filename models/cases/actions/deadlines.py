"""What the clock does to a case, and how its deadline is moved."""

from datetime import datetime
from typing import Any, Literal

from models.cases.actions.declaration import Declaration, Move, Option, Reason, Verb
from models.cases.actions.names import Action, EventName
from models.cases.actors import Actor, Role
from models.cases.agenda import AT_DEADLINE, AgendaItem
from models.cases.columns import Columns
from models.cases.commands import ClockCommand, Command, Due
from models.cases.guards import Facts, due_passed, refuse_past
from models.cases.states import AT_WORK, LAPSES, State
from models.refusals import Refused
from models.wording import Words, moment

CLOCK = Actor(role=Role.SEASON, id="clock")

_EVERYBODY = (Role.APPLICANT, Role.BODY, Role.ORGANISER, Role.PANEL, Role.EXPERT)


class Lapse(ClockCommand):
    """The due date passed, and nothing came."""


LAPSE = Declaration(
    action=Action.LAPSE,
    command=Lapse,
    moves=(Move((State.DRAFT,), State.LAPSED), Move((State.CORRECTION,), State.WITHDRAWN)),
    roles=(Role.SEASON,),
    extra_guards=(due_passed,),
    event=EventName.LAPSED,
    words=Words("逾期终止", "lapse"),
    headline=Words("逾期终止", "Lapsed"),
    notified={
        Role.APPLICANT: Words(
            "逾期未提交，贵单位的案例已终止。", "Nothing came in time; the case ended."
        ),
        Role.BODY: Words(
            "申报单位逾期未提交，案例已终止。", "Nothing came in time; the case ended."
        ),
        Role.ORGANISER: Words(
            "申报单位逾期未补正，案例已终止。", "No correction came; the case ended."
        ),
    },
)


class Remind(ClockCommand):
    """A deadline comes near. `offset`: working days left."""

    deadline: datetime
    offset: int


def _days_left(_case: Columns, command: Remind) -> dict[str, Any]:
    return {"working_days_left": command.offset}


REMIND = Declaration(
    action=Action.REMIND,
    command=Remind,
    moves=(Move(AT_WORK, None),),
    roles=(Role.SEASON,),
    event=EventName.DEADLINE_APPROACHING,
    event_data=_days_left,
    words=Words("期限提醒", "remind"),
    headline=Words("期限将至", "Due soon"),
    notified=dict.fromkeys(
        _EVERYBODY,
        Words("以下事项的期限临近，请抓紧办理。", "The matter below is due soon."),
    ),
    reminds=True,
)


class Expire(ClockCommand):
    """A deadline passed, and the case waits on."""

    deadline: datetime


def _overdue(_case: Columns, _command: Expire) -> dict[str, Any]:
    return {"overdue": True}


EXPIRE = Declaration(
    action=Action.EXPIRE,
    command=Expire,
    moves=(Move(AT_WORK, None),),
    roles=(Role.SEASON,),
    extra_guards=(due_passed,),
    changes=_overdue,
    event=EventName.DEADLINE_PASSED,
    words=Words("期限已过", "deadline passed"),
    headline=Words("期限已过", "Overdue"),
    notified=dict.fromkeys(
        _EVERYBODY,
        Words(
            "以下事项已过期限，仍待办理。", "The matter below is overdue and still waits for you."
        ),
    ),
    reminds=True,
)


class MoveDeadline(Command):
    """The dates changed under the case.

    Attributes:
        until: A new deadline for this one case; None if the season's own dates were moved
            and the case only has to look at them again.
    """

    until: Due | None = None


def until_in_future(facts: Facts[MoveDeadline]) -> Literal[True]:
    """A moved deadline lies ahead, and there is one to move."""
    until, national = facts.command.until, facts.outlook.national_cutoff
    if until is not None:
        if facts.outlook.deadline is None:
            raise Refused("no_deadline", "案例当前没有可调整的期限。")
        refuse_past(until, facts.now)
        if facts.command.actor.role is Role.BODY and until > national:
            raise Refused(
                "after_national_cutoff",
                f"推荐单位给出的期限不得晚于全国截止时间 {moment(national)}。",
            )
    return True


def _move(case: Columns, command: MoveDeadline) -> dict[str, Any]:
    """A draft's own deadline is a cutoff, and stays through returns; others are due dates."""
    if command.until is None:
        return {"overdue": False}
    if case["state"] == State.DRAFT:
        return {"overdue": False, "extended_cutoff": command.until, "due": None}
    return {"overdue": False, "due": command.until}


def _deadline_before(case: Columns, _command: MoveDeadline) -> dict[str, Any]:
    return {"deadline_before": case["deadline"]}


MOVE_DEADLINE = Declaration(
    action=Action.MOVE_DEADLINE,
    command=MoveDeadline,
    moves=(Move(AT_WORK, None),),
    roles=(Role.ORGANISER, Role.BODY, Role.SEASON),
    reason=Reason.OPTIONAL,
    extra_guards=(until_in_future,),
    changes=_move,
    event=EventName.DEADLINE_MOVED,
    event_data=_deadline_before,
    words=Words("调整期限", "move deadline"),
    headline=Words("期限已调整", "Deadline moved"),
    notified=dict.fromkeys(
        _EVERYBODY,
        Words("以下事项的期限已调整。", "The deadline of the matter below was moved."),
    ),
    reason_notified=True,
    reminds=True,
    verb=Verb(
        "extend",
        "调整这一件案例当前的期限（先显示影响；因逾期终止的恢复办理）。",
        {"until": Option("{when}", positional=True)},
        extends=True,
    ),
)


def due_action(item: AgendaItem, state: State) -> tuple[Action, Command]:
    """Return what the clock does to a case in a state when an item of its agenda is due."""
    if item.offset != AT_DEADLINE:
        return Action.REMIND, Remind(actor=CLOCK, deadline=item.deadline, offset=item.offset)
    if state in LAPSES:
        return Action.LAPSE, Lapse(actor=CLOCK)
    return Action.EXPIRE, Expire(actor=CLOCK, deadline=item.deadline)


ACTIONS = (LAPSE, REMIND, EXPIRE, MOVE_DEADLINE)
