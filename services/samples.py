"""Labelled, invented sample cases, driven to their stages through the real thing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from models.lifecycle import Action
from models.programme import Programme
from models.samples import Sample, Stage
from services.cases import CaseDesk
from services.people import set_email
from services.requests import Request
from services.seasons import desk_id, open_season

type Step = tuple[Action, Mapping[str, Any], str | None]

DAYS_OPEN_ALREADY = 14
"""How long before today the sample season opened: long enough for cases to have moved."""

REMARKS = "（示例）请补充用户规模的对比数据，并说明与往届入选案例的区别。"
REASON = "（示例）与往届入选案例属于相同服务，不予推荐。"


def steps(stage: Stage, programme: Programme, now: datetime) -> list[Step]:
    """Return what takes a new draft to `stage`."""
    answers = {point.key: True for point in programme.screening}
    submit: Step = (Action.SUBMIT, {}, None)
    accept: Step = (Action.ACCEPT, {"answers": answers}, None)
    checked: list[Step] = [submit, accept, (Action.RECOMMEND, {"rank": 1}, None)]
    due = {"due": now + timedelta(days=5)}
    plans: Mapping[Stage, list[Step]] = {
        "draft": [],
        "returned": [submit, (Action.RETURN_FOR_REVISION, {}, REMARKS)],
        "province_review": [submit],
        "recommendation": [submit, accept],
        "formal_check": checked,
        "correction": [*checked, (Action.REQUEST_CORRECTION, due, REMARKS)],
        "ineligible": [*checked, (Action.FAIL_FORMAL_CHECK, {}, REASON)],
        "not_recommended": [submit, (Action.DECLINE, {}, REASON)],
        "withdrawn": [submit, (Action.WITHDRAW, {}, None)],
    }
    return plans[stage]


async def open_sample_season(
    engine: Engine,
    desk: CaseDesk,
    programme: Programme,
    samples: tuple[Sample, ...],
    now: datetime,
) -> int:
    """Open the programme's season as if it had opened two weeks ago, with sample cases.

    Returns:
        How many cases there are.

    Raises:
        Refused: The season is open already.
    """
    starting = (now - timedelta(days=DAYS_OPEN_ALREADY)).astimezone(programme.zone).date()
    season = open_season(engine, programme, now, starting=starting)
    for body in ("fujian", "organiser"):
        set_email(engine, desk_id(season.id, body), f"{body}@example.invalid")
    for sample in samples:
        case_id = await desk.create(season.id, sample.form, None, email=sample.email)
        for action, fields, text in steps(sample.stage, programme, now):
            await desk.act(Request(case_id, action, fields, text=text))
    return len(samples)
