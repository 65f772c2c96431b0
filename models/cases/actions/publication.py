"""The public notice and after: the result is published, or a case disqualified."""

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


class Publish(Command):
    """Announce the result."""


PUBLISH = Declaration(
    action=Action.PUBLISH,
    command=Publish,
    moves=(Move((State.PUBLICATION,), State.PUBLISHED),),
    roles=(Role.SEASON,),
    event=EventName.PUBLISHED,
    words=Words("公布", "publish"),
    headline=Words("入选公布", "Published"),
    notified={
        Role.APPLICANT: Words(
            "公示期满，贵单位的案例正式入选。", "Your case is on the published result."
        ),
        Role.BODY: Words(
            "公示期满，贵单位推荐的案例正式入选。",
            "A case that you recommended is on the published result.",
        ),
        Role.ORGANISER: Words(
            "公示期满，案例入选结果已公布。", "The result of the case was published."
        ),
    },
    verb=Verb("publish", "公布结果。"),
)


class Disqualify(Command):
    """Strike the case. `objection`: the reference of the upheld objection, no free text."""

    objection: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")


def objection_upheld(facts: Facts[Disqualify]) -> Literal[True]:
    """Only an upheld objection strikes a case."""
    if facts.command.objection is None:
        raise Refused("objection_required", "请注明成立的异议编号（--objection）。")
    return True


DISQUALIFY = Declaration(
    action=Action.DISQUALIFY,
    command=Disqualify,
    moves=(Move((State.PUBLICATION, State.PUBLISHED), State.DISQUALIFIED),),
    roles=(Role.ORGANISER,),
    reason=Reason.REASON,
    extra_guards=(objection_upheld,),
    event=EventName.DISQUALIFIED,
    words=Words("取消资格", "disqualify"),
    headline=Words("取消资格", "Disqualified"),
    notified={
        Role.APPLICANT: Words("贵单位的案例被取消资格。", "Your case was disqualified."),
        Role.BODY: Words(
            "贵单位推荐的案例被取消资格。", "A case that you recommended was disqualified."
        ),
    },
    reason_notified=True,
    verb=Verb(
        "disqualify",
        "取消资格（异议成立之后，须说明理由）。",
        {"objection": Option("成立的异议编号（字母、数字、- 和 _）")},
    ),
)

ACTIONS = (PUBLISH, DISQUALIFY)
