"""Sample cases, invented and labelled so, brought to their stages by real requests."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client

from models.cases.actions.names import Action
from models.cases.samples import Stage, load_samples
from models.ids import DEMO_PREFIX
from models.programme.definition import Programme
from services.cases.drafts import NewDraft
from services.cases.requests import Request
from services.cases.service import CaseService
from services.clock import now
from services.people.users import set_email
from services.seasons.opening import Opening, open_season, shared_user_id
from services.seasons.queries import SeasonView

type Step = tuple[Action, Mapping[str, Any], str | None]

DAYS_OPEN_ALREADY = 14
"""How many days ago the sample season opened: enough for its cases to have moved on."""

CALL = "2024-new-services.toml"
SAMPLES = "samples/samples.toml"
EXAMPLE = "samples/case.toml"

WITH_MAIL = ("fujian", "organiser", "panel")
"""Shared users with a mail address, so that their mails can be seen."""

REMARKS = "（示例）请补充用户规模的对比数据，并说明与往届入选案例的区别。"
REASON = "（示例）与往届入选案例属于相同服务，不予推荐。"


def steps(stage: Stage, programme: Programme, at: datetime) -> list[Step]:
    """Return the steps that bring a new draft to `stage`."""
    answers = {point.key: True for point in programme.screening}
    submit: Step = (Action.SUBMIT, {}, None)
    accept: Step = (Action.ACCEPT, {"answers": answers}, None)
    checked: list[Step] = [submit, accept, (Action.RECOMMEND, {"rank": 1}, None)]
    due = {"due": at + timedelta(days=5)}
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


async def first_start(engine: Engine, client: Client) -> int:
    """Open the 2024 call as if it had opened two weeks ago, with its sample cases.

    Returns:
        How many cases there are.

    Raises:
        Refused: The season is open already.
    """
    programme = Programme.from_toml(shipped(CALL))
    samples = load_samples(shipped(SAMPLES))
    season = open_demo_season(engine, programme)
    service = CaseService(engine, client)
    for sample in samples:
        case_id = await service.create(NewDraft(season.id, sample.form, email=sample.email))
        for action, fields, text in steps(sample.stage, programme, now()):
            await service.act(Request(case_id, action, fields, text=text))
    return len(samples)


def open_demo_season(
    engine: Engine, programme: Programme, season_id: str | None = None
) -> SeasonView:
    """Open a season that is two weeks old today; some shared users have invented addresses.

    It has no quiet hours: whoever tries the system at night sees mails too.
    """
    at = now()
    changes: dict[str, object] = {"reminders": programme.reminders.without_quiet()}
    if season_id is not None and season_id.startswith(DEMO_PREFIX):
        changes["title"] = f"【演示】{programme.title}"
    programme = programme.model_copy(update=changes)
    starting = (at - timedelta(days=DAYS_OPEN_ALREADY)).astimezone(programme.zone).date()
    season = open_season(engine, programme, at, Opening(season_id=season_id, starting=starting))
    for org in WITH_MAIL:
        set_email(engine, shared_user_id(season.id, org), f"{org}@example.invalid")
    return season


def shipped(name: str) -> str:
    """Return the text of a file that comes with the software, under `programmes/`."""
    return files("programmes").joinpath(name).read_text(encoding="utf-8")
