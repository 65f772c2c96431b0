"""The contenders: how a case of each is opened, and what its six steps are."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client

from benchmarks import bare
from benchmarks.figures import BARE, ENGINE, OURS
from models.cases.actions.names import Action
from models.cases.form_check import CaseForm
from models.cases.messages import CaseSnapshot
from models.cases.states import State
from models.programme.definition import Programme
from services.cases.drafts import NewDraft
from services.cases.intake import prepare
from services.cases.requests import Request
from services.cases.service import CaseService
from services.clock import new_id, now
from services.seasons.cache import SeasonCache
from services.seasons.opening import Opening, open_season
from workflows.names import case_workflow_id

PROGRAMMES = Path("programmes")
DAYS_OPEN_ALREADY = 14
REMARKS = "（示例）请补充用户规模的对比数据，并说明与往届入选案例的区别。"
PATH = (
    Action.SUBMIT, Action.RETURN_FOR_REVISION, Action.SUBMIT,
    Action.ACCEPT, Action.SEND_BACK, Action.ACCEPT,
)  # fmt: skip
"""The six transitions: into review, back with remarks, in again, accepted, reopened, accepted."""

OPENED_AT_ONCE = 4
"""Cases opened at the same time before the clock starts."""
EVENTS_OF_A_START = 4
"""Started, and the first workflow task scheduled, started, completed: the worker has it."""


@dataclass(frozen=True)
class Step:
    """One update, ready to be sent."""

    name: str
    argument: Any
    update_id: str
    result_type: type


@dataclass(frozen=True)
class OpenCase:
    """A case whose workflow runs and whose steps are prepared."""

    contender: str
    workflow_id: str
    steps: tuple[Step, ...]


type Opener = Callable[[], Awaitable[OpenCase]]


async def open_cases(client: Client, opener: Opener, count: int) -> list[OpenCase]:
    """Open so many cases, each in its worker's memory when this returns."""
    room = asyncio.Semaphore(OPENED_AT_ONCE)

    async def one() -> OpenCase:
        async with room:
            case = await opener()
            handle = client.get_workflow_handle(case.workflow_id)
            while (await handle.describe()).history_length < EVENTS_OF_A_START:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
            return case

    return await asyncio.gather(*(one() for _ in range(count)))


class Bare:
    """Opens workflows that are not ours, with one of their two updates as every step."""

    def __init__(self, client: Client, contender: str) -> None:
        """Take the client and which of the two it is: `bare` or `engine`."""
        self._client, self._contender = client, contender
        self._update = {BARE: bare.RETURN, ENGINE: bare.ASK}[contender]

    async def open(self) -> OpenCase:
        """Start one; its steps are numbers."""
        workflow_id = new_id(self._contender)
        await self._client.start_workflow(bare.NAME, id=workflow_id, task_queue=bare.TASK_QUEUE)
        steps = tuple(
            Step(self._update, number, new_id("req"), int) for number in range(1, len(PATH) + 1)
        )
        return OpenCase(self._contender, workflow_id, steps)


class Ours:
    """Opens drafts of a season on a new record. Form, unit and texts are invented.

    Attributes:
        season: Its id.
    """

    def __init__(self, client: Client, engine: Engine) -> None:
        """Open the season as if it had opened two weeks ago."""
        self._engine, self._service = engine, CaseService(engine, client)
        self._cache = SeasonCache()
        self._numbers = itertools.count(1)
        text = (PROGRAMMES / "2024-new-services.toml").read_text()
        programme, at = Programme.from_toml(text), now()
        starting = (at - timedelta(days=DAYS_OPEN_ALREADY)).astimezone(programme.zone).date()
        self.season = open_season(engine, programme, at, Opening(starting=starting)).id
        self._form = CaseForm.from_toml((PROGRAMMES / "samples" / "case.toml").read_text())
        self._answers = {point.key: True for point in programme.screening}

    async def open(self) -> OpenCase:
        """Create one draft of one new unit, with the commands of its six steps."""
        number = next(self._numbers)
        form = self._form.model_copy(
            update={"title": f"【示例】测试案例 {number}", "unit": f"测试单位 {number}（虚构）"}
        )
        case_id = await self._service.create(NewDraft(self.season, form))
        steps = await asyncio.to_thread(self._steps, case_id)
        return OpenCase(OURS, case_workflow_id(case_id), steps)

    def _steps(self, case_id: str) -> tuple[Step, ...]:
        requests = [
            Request(
                case_id,
                action,
                {"answers": self._answers} if action is Action.ACCEPT else {},
                text=REMARKS if action is Action.RETURN_FOR_REVISION else None,
            )
            for action in PATH
        ]
        return tuple(
            Step(
                each.action,
                prepare(self._engine, self._cache, each).command,
                each.update_id,
                CaseSnapshot,
            )
            for each in requests
        )


def assert_ended_well(case: OpenCase, answer: Any) -> None:  # noqa: ANN401 - either contender's
    """Check that six transitions happened, and not refusals."""
    if case.contender == OURS:
        assert (answer.seq, answer.state) == (len(PATH), State.RECOMMENDATION), answer
    else:
        assert answer == len(PATH), answer
