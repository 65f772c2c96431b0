"""The organiser's formal check: a correction is asked for and filed, the case passes or fails."""

from typing import Any, Literal

from models.cases.actions.declaration import Declaration, Move, Option, Reason, Verb
from models.cases.actions.filing import freeze_form
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.columns import Columns
from models.cases.commands import Command, Due, FilingCommand
from models.cases.guards import Facts, refuse_past
from models.cases.states import State
from models.refusals import Refused
from models.wording import Words, moment


class RequestCorrection(Command):
    """Ask the applicant to correct what the formal check found, until `due`."""

    due: Due | None = None


def due_given(facts: Facts[RequestCorrection]) -> Literal[True]:
    """A correction has a due date, and it lies ahead."""
    if facts.command.due is None:
        raise Refused("due_required", "请给出补正期限（--due）。")
    refuse_past(facts.command.due, facts.now)
    return True


def _set_due(_case: Columns, command: RequestCorrection) -> dict[str, Any]:
    return {"due": command.due}


REQUEST_CORRECTION = Declaration(
    action=Action.REQUEST_CORRECTION,
    command=RequestCorrection,
    moves=(Move((State.FORMAL_CHECK,), State.CORRECTION),),
    roles=(Role.ORGANISER,),
    reason=Reason.REMARKS,
    extra_guards=(due_given,),
    changes=_set_due,
    event=EventName.CORRECTION_REQUESTED,
    words=Words("要求补正", "request correction"),
    headline=Words("需要补正", "Correction requested"),
    notified={
        Role.APPLICANT: Words(
            "形式审查发现问题，请按意见补正。", "The formal check asks you to correct your case."
        ),
        Role.BODY: Words(
            "贵单位推荐的案例需要补正，请督促申报单位。",
            "A case that you recommended needs correction; please see to it.",
        ),
    },
    reason_notified=True,
    verb=Verb(
        "request-correction",
        "要求补正（须写明意见和期限）。",
        {"due": Option("补正期限：{when}")},
    ),
)


class Resubmit(FilingCommand):
    """File the corrected form."""


def before_due(facts: Facts[Resubmit]) -> Literal[True]:
    """A correction counts only while its time runs."""
    deadline = facts.outlook.deadline
    if deadline is not None and facts.now >= deadline:
        raise Refused("due_passed", f"补正期限已于 {moment(deadline)} 届满。")
    return True


RESUBMIT = Declaration(
    action=Action.RESUBMIT,
    command=Resubmit,
    moves=(Move((State.CORRECTION,), State.FORMAL_CHECK),),
    roles=(Role.APPLICANT,),
    extra_guards=(before_due,),
    changes=freeze_form,
    event=EventName.RESUBMITTED,
    words=Words("补正提交", "resubmit"),
    headline=Words("补正已提交", "Correction filed"),
    notified={
        Role.APPLICANT: Words(
            "补正材料已收到，重新进入形式审查。",
            "Your correction was received and goes to the formal check.",
        ),
        Role.ORGANISER: Words(
            "申报单位已提交补正材料，请继续形式审查。",
            "The applicant filed the correction; please go on with the formal check.",
        ),
    },
    verb=Verb("resubmit", "提交补正后的申报表。"),
)


class PassFormalCheck(Command):
    """Let the case through to the experts."""


def national_cutoff_passed(facts: Facts[PassFormalCheck]) -> Literal[True]:
    """All cases enter the expert review from one and the same pool."""
    cutoff = facts.outlook.national_cutoff
    if facts.now < cutoff:
        raise Refused(
            "cutoff_not_passed",
            f"全国推荐截止时间 {moment(cutoff)} 未到，形式审查不能通过。",
        )
    return True


PASS_FORMAL_CHECK = Declaration(
    action=Action.PASS_FORMAL_CHECK,
    command=PassFormalCheck,
    moves=(Move((State.FORMAL_CHECK,), State.EXPERT_REVIEW),),
    roles=(Role.ORGANISER,),
    extra_guards=(national_cutoff_passed,),
    event=EventName.FORMAL_CHECK_PASSED,
    words=Words("形式审查通过", "pass formal check"),
    headline=Words("形式审查通过", "Formal check passed"),
    notified={
        Role.APPLICANT: Words(
            "贵单位的案例通过形式审查，进入专家评审。",
            "Your case passed the formal check and goes to the experts.",
        ),
        Role.BODY: Words(
            "贵单位推荐的案例通过形式审查。", "A case that you recommended passed the formal check."
        ),
        Role.PANEL: Words("有一件案例进入专家评审。", "A case entered the expert review."),
        Role.EXPERT: Words(
            "有一件案例等待专家评分。如有利害关系，请先申报回避。",
            "A case awaits scores; where you have an interest in it, declare it first.",
        ),
    },
    verb=Verb("pass", "形式审查通过（全国截止之后）。"),
)


class FailFormalCheck(Command):
    """Find the case ineligible."""


FAIL_FORMAL_CHECK = Declaration(
    action=Action.FAIL_FORMAL_CHECK,
    command=FailFormalCheck,
    moves=(Move((State.FORMAL_CHECK,), State.INELIGIBLE),),
    roles=(Role.ORGANISER,),
    reason=Reason.REASON,
    event=EventName.FORMAL_CHECK_FAILED,
    words=Words("形式审查不通过", "fail formal check"),
    headline=Words("形式审查未通过", "Formal check failed"),
    notified={
        Role.APPLICANT: Words("贵单位的案例未通过形式审查。", "Your case failed the formal check."),
        Role.BODY: Words(
            "贵单位推荐的案例未通过形式审查。",
            "A case that you recommended failed the formal check.",
        ),
    },
    reason_notified=True,
    verb=Verb("fail", "形式审查不通过（须说明理由）。"),
)

ACTIONS = (REQUEST_CORRECTION, RESUBMIT, PASS_FORMAL_CHECK, FAIL_FORMAL_CHECK)
