"""Links into the Temporal UI: lists of cases, each with its filter in place."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from models.wording import BEIJING

OPEN = 'WorkflowType="Case" AND ExecutionStatus="Running"'
"""The cases that have not ended."""


class TemporalLink(NamedTuple):
    """A list of cases. `url`: None where nobody knows the address of the UI."""

    name: str
    query: str
    url: str | None


def links(ui: str | None, namespace: str, now: datetime) -> list[TemporalLink]:
    """Return the lists that operations staff ask for most.

    Args:
        ui: The address of the Temporal UI, as `http://127.0.0.1:8233`.
        namespace: Where the cases are.
        now: Today and this week end in Beijing time, as seen from this instant.
    """
    return [
        TemporalLink(name, query, ui and workflows_url(ui, namespace, query))
        for name, query in filters(now)
    ]


def workflows_url(ui: str, namespace: str, query: str) -> str:
    """Return the address of the list that a filter selects."""
    return f"{ui}/namespaces/{quote(namespace)}/workflows?query={quote(query, safe='')}"


def filters(now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the name of each list, and its filter."""
    midnight = now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = (midnight + timedelta(days=1)).isoformat()
    monday = (midnight + timedelta(days=7 - midnight.weekday())).isoformat()
    week_ago = (midnight - timedelta(days=7)).isoformat()
    yield "进行中的全部案例", OPEN
    # A deadline is exclusive: a whole day ends at the next midnight.
    yield "今日到期", f'{OPEN} AND Overdue=false AND Deadline <= "{tomorrow}"'
    yield "本周到期", f'{OPEN} AND Overdue=false AND Deadline <= "{monday}"'
    yield "已逾期", f"{OPEN} AND Overdue=true"
    yield "退回两次以上", f"{OPEN} AND ReturnRounds > 2"
    yield "待推荐单位办理", f'{OPEN} AND CaseState IN ("province_review", "recommendation")'
    yield "待主办方形式审查", f'{OPEN} AND CaseState="formal_check"'
    yield "待申报单位补正", f'{OPEN} AND CaseState="correction"'
    ended = f'WorkflowType="Case" AND ExecutionStatus="Completed" AND CloseTime >= "{week_ago}"'
    yield "近七天逾期或撤回", f'{ended} AND CaseState IN ("lapsed", "withdrawn")'
    yield "因故障停住", "TemporalReportedProblems IS NOT NULL"
