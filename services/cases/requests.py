"""One request to do something to a case."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.cases.actions.names import Action
from models.cases.actors import Actor
from models.refusals import Refused
from services.clock import new_id
from workflows.names import TIMER_UPDATE

_UPDATE_ID = re.compile(rf"(?!{TIMER_UPDATE})[!-~]{{1,200}}")


@dataclass(frozen=True)
class Request:
    """What somebody asks of a case.

    Attributes:
        case_id: Which.
        action: What.
        fields: What its command takes besides actor and reason.
        actor: Who; None: whoever the action belongs to on this case.
        text: Remarks or reasons. Kept in the record; the command names its digest.
        update_id: The request's own id; the same id is never done twice.
    """

    case_id: str
    action: Action
    fields: Mapping[str, Any] = field(default_factory=dict)
    actor: Actor | None = None
    text: str | None = None
    update_id: str = field(default_factory=lambda: new_id("req"))

    def __post_init__(self) -> None:
        """Refuse an id that a database or a server would not take, or that is the clock's.

        Raises:
            Refused: `bad_update_id`.
        """
        if not _UPDATE_ID.fullmatch(self.update_id):
            message = "请求编号应为 1 至 200 个英文字母、数字或半角符号，不以 timer: 开头。"
            raise Refused("bad_update_id", message)
