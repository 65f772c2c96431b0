"""Filing: a unit submits its draft, or takes its case back."""

from typing import Any, Literal

from models.cases.actions.declaration import Declaration, Move, Option, Reason, Verb
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.columns import Columns
from models.cases.commands import Command, FilingCommand
from models.cases.guards import Facts, before_cutoff
from models.cases.states import AT_WORK, State
from models.refusals import Refused
from models.wording import Words

WITHDRAWABLE = tuple(state for state in AT_WORK if state is not State.PUBLICATION)


class Submit(FilingCommand):
    """File the draft."""


def freeze_form(_case: Columns, command: FilingCommand) -> dict[str, Any]:
    """Note which revision was filed."""
    return {"frozen_revision": command.revision, "content_digest": command.content}


SUBMIT = Declaration(
    action=Action.SUBMIT,
    command=Submit,
    moves=(Move((State.DRAFT,), State.PROVINCE_REVIEW),),
    roles=(Role.APPLICANT,),
    extra_guards=(before_cutoff,),
    changes=freeze_form,
    event=EventName.SUBMITTED,
    words=Words("提交", "submit"),
    headline=Words("已提交", "Filed"),
    notified={
        Role.APPLICANT: Words("贵单位的案例已收到，进入省级审核。", "Your case goes to review."),
        Role.BODY: Words("有一件案例提交贵单位审核。", "A case was filed for your review."),
    },
    verb=Verb("submit", "提交草稿，送省级审核。"),
)


class Withdraw(Command):
    """Take the case back. `body_consents`: needed once the list is sealed."""

    body_consents: bool = False


def body_consents(facts: Facts[Withdraw]) -> Literal[True]:
    """After the list is sealed a withdrawal touches the body's quota."""
    if facts.outlook.list_sealed and not facts.command.body_consents:
        raise Refused(
            "consent_required", "推荐名单已封存，撤回须经推荐单位同意（--with-consent）。"
        )
    return True


_WITHDRAWN = Words("申报单位已撤回案例，无需再办理。", "The applicant withdrew the case.")

WITHDRAW = Declaration(
    action=Action.WITHDRAW,
    command=Withdraw,
    moves=(Move(WITHDRAWABLE, State.WITHDRAWN),),
    roles=(Role.APPLICANT,),
    extra_guards=(body_consents,),
    reason=Reason.OPTIONAL,
    event=EventName.WITHDRAWN,
    words=Words("撤回", "withdraw"),
    headline=Words("已撤回", "Withdrawn"),
    notified={
        Role.APPLICANT: Words("贵单位的案例已撤回。", "Your case was withdrawn."),
        Role.BODY: _WITHDRAWN,
        Role.ORGANISER: _WITHDRAWN,
        Role.PANEL: Words("申报单位已撤回案例，无需再评审。", "The applicant withdrew the case."),
        Role.EXPERT: Words("申报单位已撤回案例，无需再评分。", "The applicant withdrew the case."),
    },
    verb=Verb(
        "withdraw",
        "撤回案例。",
        {
            "body_consents": Option("推荐单位已同意（名单封存后须有）", flag="--with-consent"),
        },
    ),
)

ACTIONS = (SUBMIT, WITHDRAW)
