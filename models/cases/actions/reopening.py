"""A case that a passed date ended comes back, with its deadline ahead again."""

from typing import Any, Literal

from models.cases.actions.declaration import Declaration, Move, Option, Reason, Verb
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.columns import Columns
from models.cases.commands import Command, Due
from models.cases.guards import Facts, refuse_past
from models.cases.states import State
from models.refusals import Refused
from models.wording import Words, moment


class Reopen(Command):
    """Bring back what lapsed. `until`: its new deadline; None: what the season's dates say."""

    until: Due | None = None


def ended_by_the_clock(facts: Facts[Reopen]) -> Literal[True]:
    """What its applicant withdrew does not come back; what a passed date ended does."""
    recent = facts.standing.recent
    if not recent or recent[-1].action is not Action.LAPSE:
        raise Refused(
            "not_lapsed", "案例不是因逾期而终止的（例如由申报单位自行撤回），不能恢复办理。"
        )
    return True


def reopened_deadline_ahead(facts: Facts[Reopen]) -> Literal[True]:
    """A reopened case has time left."""
    until, cutoff = facts.command.until, facts.outlook.cutoff
    if until is not None:
        refuse_past(until, facts.now)
        return True
    if facts.standing.state is State.WITHDRAWN:
        raise Refused("due_required", "请给出新的补正期限（--until）。")
    if cutoff <= facts.now:
        message = f"申报已于 {moment(cutoff)} 截止，请给出新的期限（--until）。"
        raise Refused("due_required", message)
    return True


def _bring_back(case: Columns, command: Reopen) -> dict[str, Any]:
    """A draft's own deadline is a cutoff, and stays through returns; a correction's is a due."""
    if command.until is None:
        return {}
    if case["state"] == State.WITHDRAWN:
        return {"due": command.until}
    return {"extended_cutoff": command.until}


REOPEN = Declaration(
    action=Action.REOPEN,
    command=Reopen,
    moves=(Move((State.LAPSED,), State.DRAFT), Move((State.WITHDRAWN,), State.CORRECTION)),
    roles=(Role.ORGANISER, Role.SEASON),
    reason=Reason.REASON,
    extra_guards=(ended_by_the_clock, reopened_deadline_ahead),
    changes=_bring_back,
    event=EventName.REOPENED,
    words=Words("恢复办理", "reopen"),
    headline=Words("已恢复办理", "Reopened"),
    notified={
        Role.APPLICANT: Words(
            "贵单位逾期的案例已恢复办理，请在新的期限前完成。",
            "Your case that had lapsed is open again; please meet the new deadline.",
        ),
        Role.BODY: Words("逾期的案例已恢复办理。", "A case that had lapsed is open again."),
        Role.ORGANISER: Words("逾期的案例已恢复办理。", "A case that had lapsed is open again."),
    },
    reason_notified=True,
    verb=Verb(
        "reopen",
        "恢复因逾期而终止的案例（须说明理由）。",
        {"until": Option("新的期限：{when}；草稿默认按征集日程")},
    ),
)

ACTIONS = (REOPEN,)
