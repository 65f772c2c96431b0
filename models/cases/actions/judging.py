"""The panel's judging: a case is invited to the defence, selected, or not."""

from models.cases.actions.declaration import Declaration, Move, Verb
from models.cases.actions.names import Action, EventName
from models.cases.actors import Role
from models.cases.commands import Command
from models.cases.states import State
from models.wording import Words

_REVIEWED = (State.EXPERT_REVIEW, State.ORAL_DEFENSE)


class Shortlist(Command):
    """Invite the case to the defence."""


SHORTLIST = Declaration(
    action=Action.SHORTLIST,
    command=Shortlist,
    moves=(Move((State.EXPERT_REVIEW,), State.ORAL_DEFENSE),),
    roles=(Role.PANEL,),
    event=EventName.SHORTLISTED,
    words=Words("入围答辩", "shortlist"),
    headline=Words("入围现场答辩", "Shortlisted"),
    notified={
        Role.APPLICANT: Words(
            "贵单位的案例入围现场答辩，请做好准备。",
            "Your case was shortlisted; please prepare for the defence.",
        ),
        Role.BODY: Words(
            "贵单位推荐的案例入围现场答辩。", "A case that you recommended was shortlisted."
        ),
        Role.PANEL: Words(
            "一件案例入围现场答辩，请安排答辩。",
            "A case was shortlisted; please hold the defence.",
        ),
        Role.EXPERT: Words(
            "一件案例入围现场答辩，请留意答辩安排。",
            "A case was shortlisted; the defence will be announced.",
        ),
    },
    verb=Verb("shortlist", "入围现场答辩。"),
)


class Select(Command):
    """Select the case for the public notice."""


SELECT = Declaration(
    action=Action.SELECT,
    command=Select,
    moves=(Move(_REVIEWED, State.PUBLICATION),),
    roles=(Role.PANEL,),
    event=EventName.SELECTED,
    words=Words("拟入选", "select"),
    headline=Words("拟入选，即将公示", "Selected"),
    notified={
        Role.APPLICANT: Words(
            "贵单位的案例拟入选，进入公示。", "Your case goes to the public notice."
        ),
        Role.BODY: Words(
            "贵单位推荐的案例拟入选，进入公示。",
            "A case that you recommended goes to the public notice.",
        ),
        Role.ORGANISER: Words(
            "一件案例拟入选，请安排公示。", "A case was selected; please post the notice."
        ),
    },
    verb=Verb("select", "拟入选，进入公示。"),
)


class NotSelect(Command):
    """Leave the case unselected."""


NOT_SELECT = Declaration(
    action=Action.NOT_SELECT,
    command=NotSelect,
    moves=(Move(_REVIEWED, State.NOT_SELECTED),),
    roles=(Role.PANEL,),
    event=EventName.NOT_SELECTED,
    words=Words("未入选", "not select"),
    headline=Words("未入选", "Not selected"),
    notified={
        Role.APPLICANT: Words("贵单位的案例未入选。", "Your case was not selected."),
        Role.BODY: Words(
            "贵单位推荐的案例未入选。", "A case that you recommended was not selected."
        ),
    },
    verb=Verb("not-select", "未入选。"),
)

ACTIONS = (SHORTLIST, SELECT, NOT_SELECT)
