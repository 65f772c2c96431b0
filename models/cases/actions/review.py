"""The body's review of a filed case: return, accept, decline; and back to review."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from models.cases.actions.declaration import Declaration, Move, Option, Reason, Verb
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.columns import Columns
from models.cases.commands import Command, Due
from models.cases.guards import Facts, before_cutoff, refuse_past
from models.cases.states import State
from models.refusals import Refused
from models.wording import Words, moment


class ReturnForRevision(Command):
    """Give the draft back with remarks. `due`: None means until the cutoff."""

    due: Due | None = None


def due_within_cutoff(facts: Facts[ReturnForRevision]) -> Literal[True]:
    """A returned draft is due in the future and no later than the cutoff."""
    due, cutoff = facts.command.due, facts.outlook.cutoff
    if due is not None:
        refuse_past(due, facts.now)
        if due > cutoff:
            raise Refused("due_after_cutoff", f"修改期限不得晚于申报截止时间 {moment(cutoff)}。")
    return True


def _count_round(case: Columns, command: ReturnForRevision) -> dict[str, Any]:
    return {"due": command.due, "return_rounds": case["return_rounds"] + 1}


RETURN_FOR_REVISION = Declaration(
    action=Action.RETURN_FOR_REVISION,
    command=ReturnForRevision,
    moves=(Move((State.PROVINCE_REVIEW,), State.DRAFT),),
    roles=(Role.BODY,),
    reason=Reason.REMARKS,
    extra_guards=(before_cutoff, due_within_cutoff),
    changes=_count_round,
    event=EventName.RETURNED,
    words=Words("退回修改", "return for revision"),
    headline=Words("已退回修改", "Returned for revision"),
    notified={
        Role.APPLICANT: Words(
            "推荐单位将案例退回修改，请按意见修改后重新提交。",
            "The recommending body returned your case; please revise and file it again.",
        ),
    },
    reason_notified=True,
    verb=Verb(
        "return",
        "退回修改（须写明意见）。",
        {"due": Option("修改期限：{when}；默认到申报截止")},
    ),
)


class Accept(Command):
    """Screen the case. `answers`: screening point → whether the case meets it."""

    answers: Mapping[str, bool] = Field(default_factory=dict)


def every_point_answered(facts: Facts[Accept]) -> Literal[True]:
    """Screening answers each point of the programme, and only those, with yes."""
    answers, points = facts.command.answers, facts.outlook.screening
    unknown = sorted(set(answers) - set(points))
    if unknown:
        raise Refused("screening_unknown", f"没有这样的审核要点：{'、'.join(unknown)}。")
    missing = [point for point in points if point not in answers]
    if missing:
        raise Refused(
            "screening_unanswered",
            f"尚有 {len(missing)} 个审核要点未答复：{'、'.join(missing)}"
            "（--answer 要点=yes，或 --all-yes）。",
        )
    failed = [point for point in points if not answers[point]]
    if failed:
        raise Refused(
            "screening_failed",
            f"审核要点未通过：{'、'.join(failed)}。请退回修改或不予推荐。",
        )
    return True


ACCEPT = Declaration(
    action=Action.ACCEPT,
    command=Accept,
    moves=(Move((State.PROVINCE_REVIEW,), State.RECOMMENDATION),),
    roles=(Role.BODY,),
    extra_guards=(every_point_answered,),
    event=EventName.ACCEPTED,
    words=Words("审核通过", "accept"),
    headline=Words("省级审核通过", "Accepted"),
    notified={
        Role.APPLICANT: Words(
            "贵单位的案例已通过省级审核，等待推荐。",
            "Your case passed the review and awaits recommendation.",
        ),
    },
    verb=Verb(
        "accept",
        "省级审核通过，进入推荐（须答复每个审核要点）。",
        {"answers": Option("逐项答复审核要点", flag="--answer")},
    ),
)


class Decline(Command):
    """Turn the case down at the province."""


DECLINE = Declaration(
    action=Action.DECLINE,
    command=Decline,
    moves=(Move((State.PROVINCE_REVIEW,), State.NOT_RECOMMENDED),),
    roles=(Role.BODY,),
    reason=Reason.REASON,
    event=EventName.DECLINED,
    words=Words("不予推荐", "decline"),
    headline=Words("不予推荐", "Declined"),
    notified={
        Role.APPLICANT: Words(
            "推荐单位决定不予推荐。", "The recommending body declined your case."
        ),
    },
    reason_notified=True,
    verb=Verb("decline", "不予推荐（须说明理由）。"),
)

ACTIONS = (RETURN_FOR_REVISION, ACCEPT, DECLINE)
