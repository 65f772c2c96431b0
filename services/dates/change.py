"""A date to move, and the rules that it has to keep. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from models.cases.actors import Actor, Role
from models.programme.milestones import milestone_moment, out_of_order
from models.programme.moments import YEARS
from models.refusals import Refused
from models.text.entry import require_fit
from models.wording import MILESTONES

_FOLLOWS: Mapping[str, tuple[str, ...]] = {"cutoff": ("body_review",)}
"""What moves along with a milestone that comes earlier: bodies review until the cutoff."""


@dataclass(frozen=True)
class MilestoneChange:
    """A milestone to move.

    Attributes:
        milestone: Which date, e.g. `cutoff`.
        after: The new date (exclusive), a real instant.
        reason: Why; the people concerned read it.
        actor: The organiser; a body may move its own cutoff.
        body_id: The body whose own cutoff is moved; None: everybody's.
        closes: Whether a date that has come already is meant: what it ends, ends now.
    """

    season_id: str
    milestone: str
    after: datetime
    reason: str
    actor: Actor
    body_id: str | None = None
    closes: bool = False


def refuse_request(change: MilestoneChange) -> None:
    """Refuse what can be refused without the record.

    Raises:
        Refused: `role_not_allowed`, `reason_required`, `unfit_text`, `bad_date` or
            `unknown_milestone`.
    """
    actor = change.actor
    own = actor.role is Role.BODY and change.body_id == actor.id
    if actor.role is not Role.ORGANISER and not own:
        message = f"{actor} 不能调整日程：主办方可调整全部，推荐单位可调整本单位的截止时间。"
        raise Refused("role_not_allowed", message)
    if not require_fit(change.reason, "理由").strip():
        raise Refused("reason_required", "请说明理由（--reason）。")
    if change.after.year not in YEARS:
        raise Refused("bad_date", f"日期应在 {YEARS[0]} 至 {YEARS[-1]} 年之间。")
    if change.body_id is not None and change.milestone != "cutoff":
        raise Refused("unknown_milestone", "推荐单位只有自己的申报推荐截止（cutoff）。")


def moved_milestones(
    change: MilestoneChange, milestones: Mapping[str, datetime]
) -> dict[str, datetime]:
    """Return the milestones that a change moves, with their new dates; none for a body's own.

    Args:
        change: The change.
        milestones: The season's, real instants.

    Raises:
        Refused: `unknown_milestone`, `before_opening` or `milestone_order`.
    """
    if change.milestone not in milestones:
        known = "、".join(f"{name}（{MILESTONES[name].zh}）" for name in milestones)
        message = f"没有日程节点 {change.milestone}，可选：{known}。"
        raise Refused("unknown_milestone", message)
    opens = milestones["opens"]
    if change.milestone != "opens" and change.after <= opens:
        begin = milestone_moment("opens", opens)
        raise Refused("before_opening", f"时间不能早于本季开始时间 {begin}。")
    if change.body_id is not None:
        return {}
    follow = [name for name in _FOLLOWS.get(change.milestone, ()) if name in milestones]
    late = [name for name in follow if milestones[name] > change.after]
    moved = dict.fromkeys([change.milestone, *late], change.after)
    _refuse_order(moved, {**milestones, **moved})
    return moved


def _refuse_order(moved: Mapping[str, datetime], after: Mapping[str, datetime]) -> None:
    for earlier, later in out_of_order(after):
        if {earlier, later} & set(moved):  # else it stood so before
            first, then = (
                f"{name}（{MILESTONES[name].zh}，{milestone_moment(name, after[name])}）"
                for name in (earlier, later)
            )
            raise Refused(
                "milestone_order",
                f"日程节点须依次进行：{then}不能早于 {first}。请先调整另一个节点。",
            )
