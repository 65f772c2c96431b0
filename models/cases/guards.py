"""The guards that several actions share: pure functions that pass, or refuse with a reason.

A guard that only one action needs stands with that action in `models.cases.actions`.
`docs/lifecycle.md` lists which action asks which of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models.cases.actors import Role
from models.cases.commands import Command
from models.cases.messages import Outlook, Standing
from models.refusals import Refused
from models.wording import moment


@dataclass(frozen=True)
class Facts[C: Command]:
    """What guards may look at; nothing else decides.

    Attributes:
        command: What is asked, and by whom.
        now: When it is asked.
        standing: Where the case stands, and what the record says lies ahead of it.
    """

    command: C
    now: datetime
    standing: Standing

    @property
    def outlook(self) -> Outlook:
        """What the record says lies ahead of the case."""
        return self.standing.outlook


type Guard[C: Command] = Callable[[Facts[C]], Literal[True]]


def own_case(facts: Facts[Command]) -> Literal[True]:
    """A unit acts on its own cases, a body on those of its applicants; nobody else does."""
    actor = facts.command.actor
    owner = {Role.APPLICANT: facts.outlook.unit, Role.BODY: facts.standing.body}.get(actor.role)
    if owner is not None and actor.org != owner:
        raise Refused("not_yours", f"{actor} 不是本案例的当事单位，无权办理。")
    return True


def before_cutoff(facts: Facts[Command]) -> Literal[True]:
    """Filing ends at the body's own cutoff, or the national one if that is earlier."""
    cutoff = facts.outlook.cutoff
    if facts.now >= cutoff:
        raise Refused("cutoff_passed", f"申报已于 {moment(cutoff)} 截止，不能再提交。")
    return True


def reason_given(facts: Facts[Command]) -> Literal[True]:
    """Who turns something down says why."""
    if facts.command.reason is None:
        raise Refused("reason_required", "请说明理由（--reason）。")
    return True


def remarks_given(facts: Facts[Command]) -> Literal[True]:
    """Who asks for changes says which."""
    if facts.command.reason is None:
        raise Refused("remarks_required", "请写明修改意见（--remarks）。")
    return True


def due_passed(facts: Facts[Command]) -> Literal[True]:
    """The clock acts only when the time is up."""
    deadline = facts.outlook.deadline
    if deadline is None or facts.now < deadline:
        raise Refused("not_due", "期限未到。")
    return True


def refuse_past(due: datetime, now: datetime) -> None:
    """Refuse a due date that has passed already.

    Raises:
        Refused: `due_in_past`.
    """
    if due <= now:
        raise Refused("due_in_past", f"期限 {moment(due)} 已过，请给出将来的时间。")
