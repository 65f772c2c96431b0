"""The refusal that readers get for content removed at the end of its retention."""

from datetime import datetime

from models.refusals import Refused
from models.wording import moment


def removed(what: str, at: datetime) -> Refused:
    """Return the refusal for something that was removed at the end of its retention."""
    return Refused("removed", f"{what}已按保存期限清除，时间 {moment(at)}。")
