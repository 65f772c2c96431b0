"""What is said of something whose retention has ended."""

from datetime import datetime

from models.refusals import Refused
from models.wording import moment


def removed(what: str, at: datetime) -> Refused:
    """Return the refusal for what was there, and is not any more."""
    return Refused("removed", f"{what}已按保存期限清除，时间 {moment(at)}。")
