"""The guards: small pure functions that let an action pass, or refuse with a reason.

Each takes the facts and returns True, or raises `Refused`. `docs/lifecycle.md` lists which
action asks which of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models.cases.commands import (
    Accept,
    Command,
    Disqualify,
    MoveDeadline,
    RequestCorrection,
    ReturnForRevision,
    Role,
    Withdraw,
)
from models.refusals import Refused
from models.wording import moment


@dataclass(frozen=True)
class Facts:
    """What the guards may look at; nothing else decides.

    Attributes:
        command: What is asked, and by whom.
        now: When it is asked.
        unit: The applicant's unit.
        body: The recommending body.
        cutoff: When filing ends for this case (exclusive).
        national_cutoff: When recommending ends for everybody (exclusive).
        deadline: When what is awaited now is due (exclusive); None: no deadline.
        screening: The points that a body answers before it accepts.
        list_sealed: Whether the body's list is sealed, with the case or without it.
    """

    command: Command
    now: datetime
    unit: str
    body: str
    cutoff: datetime
    national_cutoff: datetime
    deadline: datetime | None
    screening: tuple[str, ...]
    list_sealed: bool


type Guard = Callable[[Facts], Literal[True]]


def own_case(facts: Facts) -> Literal[True]:
    """A unit acts on its own cases, a body on those of its applicants; nobody else does."""
    actor = facts.command.actor
    owner = {Role.APPLICANT: facts.unit, Role.BODY: facts.body}.get(actor.role)
    if owner is not None and actor.org != owner:
        raise Refused("not_yours", f"{actor} 不是本案例的当事单位，无权办理。")
    return True


def before_cutoff(facts: Facts) -> Literal[True]:
    """Filing ends at the body's own cutoff, or the national one if that is earlier."""
    if facts.now >= facts.cutoff:
        raise Refused("cutoff_passed", f"申报已于 {moment(facts.cutoff)} 截止，不能再提交。")
    return True


def before_due(facts: Facts) -> Literal[True]:
    """A correction counts only while its time runs."""
    if facts.deadline is not None and facts.now >= facts.deadline:
        raise Refused("due_passed", f"补正期限已于 {moment(facts.deadline)} 届满。")
    return True


def reason_given(facts: Facts) -> Literal[True]:
    """Who turns something down says why."""
    if facts.command.reason is None:
        raise Refused("reason_required", "请说明理由（--reason）。")
    return True


def remarks_given(facts: Facts) -> Literal[True]:
    """Who asks for changes says which."""
    if facts.command.reason is None:
        raise Refused("remarks_required", "请写明修改意见（--remarks）。")
    return True


def due_within_cutoff(facts: Facts) -> Literal[True]:
    """A returned draft is due in the future and no later than the cutoff."""
    command = facts.command
    if isinstance(command, ReturnForRevision) and command.due is not None:
        in_future(command.due, facts.now)
        if command.due > facts.cutoff:
            raise Refused(
                "due_after_cutoff", f"修改期限不得晚于申报截止时间 {moment(facts.cutoff)}。"
            )
    return True


def due_given(facts: Facts) -> Literal[True]:
    """A correction has a due date, and it lies ahead."""
    command = facts.command
    if isinstance(command, RequestCorrection):
        if command.due is None:
            raise Refused("due_required", "请给出补正期限（--due）。")
        in_future(command.due, facts.now)
    return True


def in_future(due: datetime, now: datetime) -> None:
    """Refuse a due date that has passed already."""
    if due <= now:
        raise Refused("due_in_past", f"期限 {moment(due)} 已过，请给出将来的时间。")


def every_point_answered(facts: Facts) -> Literal[True]:
    """Screening answers each point of the programme, and only those, with yes."""
    command = facts.command
    if isinstance(command, Accept):
        unknown = sorted(set(command.answers) - set(facts.screening))
        if unknown:
            raise Refused("screening_unknown", f"没有这样的审核要点：{'、'.join(unknown)}。")
        missing = [point for point in facts.screening if point not in command.answers]
        if missing:
            raise Refused(
                "screening_unanswered",
                f"尚有 {len(missing)} 个审核要点未答复：{'、'.join(missing)}"
                "（--answer 要点=yes，或 --all-yes）。",
            )
        failed = [point for point in facts.screening if not command.answers[point]]
        if failed:
            raise Refused(
                "screening_failed",
                f"审核要点未通过：{'、'.join(failed)}。请退回修改或不予推荐。",
            )
    return True


def list_open(facts: Facts) -> Literal[True]:
    """A sealed list is not taken apart."""
    if facts.list_sealed:
        raise Refused("list_sealed", "推荐名单已封存，不能退回审核。")
    return True


def national_cutoff_passed(facts: Facts) -> Literal[True]:
    """All cases enter the expert review from one and the same pool."""
    if facts.now < facts.national_cutoff:
        raise Refused(
            "cutoff_not_passed",
            f"全国推荐截止时间 {moment(facts.national_cutoff)} 未到，形式审查不能通过。",
        )
    return True


def objection_upheld(facts: Facts) -> Literal[True]:
    """Only an upheld objection strikes a case."""
    command = facts.command
    if isinstance(command, Disqualify) and command.objection is None:
        raise Refused("objection_required", "请注明成立的异议编号（--objection）。")
    return True


def body_consents(facts: Facts) -> Literal[True]:
    """After the list is sealed a withdrawal touches the body's quota."""
    command = facts.command
    if isinstance(command, Withdraw) and facts.list_sealed and not command.body_consents:
        raise Refused(
            "consent_required", "推荐名单已封存，撤回须经推荐单位同意（--with-consent）。"
        )
    return True


def due_passed(facts: Facts) -> Literal[True]:
    """The clock lets a case lapse only when its time is up."""
    if facts.deadline is None or facts.now < facts.deadline:
        raise Refused("not_due", "期限未到。")
    return True


def until_in_future(facts: Facts) -> Literal[True]:
    """A moved deadline lies ahead, and there is one to move."""
    command = facts.command
    if isinstance(command, MoveDeadline) and command.until is not None:
        if facts.deadline is None:
            raise Refused("no_deadline", "案例当前没有可调整的期限。")
        in_future(command.until, facts.now)
        if command.actor.role is Role.BODY and command.until > facts.national_cutoff:
            raise Refused(
                "after_national_cutoff",
                f"推荐单位给出的期限不得晚于全国截止时间 {moment(facts.national_cutoff)}。",
            )
    return True
