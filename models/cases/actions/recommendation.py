"""The body's list: a case is recommended on it, left out of it, or sent back from the pool."""

from typing import Literal

from pydantic import Field

from models.cases.actions.declaration import Declaration, Move, Option, Reason, Verb
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.commands import Command
from models.cases.guards import Facts
from models.cases.states import State
from models.refusals import Refused
from models.wording import Words


class SendBack(Command):
    """Take the case from the pool back to review."""


def list_open(facts: Facts[SendBack]) -> Literal[True]:
    """A sealed list is not taken apart."""
    if facts.outlook.list_sealed:
        raise Refused("list_sealed", "推荐名单已封存，不能退回审核。")
    return True


SEND_BACK = Declaration(
    action=Action.SEND_BACK,
    command=SendBack,
    moves=(Move((State.RECOMMENDATION,), State.PROVINCE_REVIEW),),
    roles=(Role.BODY,),
    reason=Reason.OPTIONAL,
    extra_guards=(list_open,),
    event=EventName.SENT_BACK,
    words=Words("退回审核", "send back"),
    headline=Words("已退回审核", "Sent back to review"),
    notified={
        Role.APPLICANT: Words(
            "贵单位的案例由待推荐退回省级审核。", "Your case went back to review."
        ),
        Role.BODY: Words("一件待推荐案例已退回，请重新审核。", "Please review the case again."),
    },
    verb=Verb("send-back", "由推荐退回省级审核（名单封存之前）。"),
)


class Recommend(Command):
    """Put the case forward. `rank`: its place on the body's list, from 1."""

    rank: int | None = Field(default=None, ge=1)


RECOMMEND = Declaration(
    action=Action.RECOMMEND,
    command=Recommend,
    moves=(Move((State.RECOMMENDATION,), State.FORMAL_CHECK),),
    roles=(Role.BODY,),
    event=EventName.RECOMMENDED,
    words=Words("推荐上报", "recommend"),
    headline=Words("已推荐上报", "Recommended"),
    notified={
        Role.APPLICANT: Words(
            "贵单位的案例已推荐上报，进入形式审查。",
            "Your case was recommended and goes to the formal check.",
        ),
        Role.BODY: Words(
            "贵单位推荐的案例已上报。", "The case that you recommended was handed in."
        ),
        Role.ORGANISER: Words(
            "收到一件推荐案例，请进行形式审查。",
            "A recommended case arrived for the formal check.",
        ),
    },
    verb=Verb("recommend", "列入推荐名单上报。", {"rank": Option("在推荐名单中的序号")}),
)


class LeaveOut(Command):
    """Seal the list without the case."""


LEAVE_OUT = Declaration(
    action=Action.LEAVE_OUT,
    command=LeaveOut,
    moves=(Move((State.RECOMMENDATION,), State.NOT_RECOMMENDED),),
    roles=(Role.BODY,),
    event=EventName.LEFT_OUT,
    words=Words("未列入名单", "leave out"),
    headline=Words("未列入推荐名单", "Not on the list"),
    notified={
        Role.APPLICANT: Words(
            "推荐名单已封存，贵单位的案例未列入。", "The list was sealed without your case."
        ),
    },
    verb=Verb("leave-out", "未列入推荐名单。"),
)

ACTIONS = (SEND_BACK, RECOMMEND, LEAVE_OUT)
