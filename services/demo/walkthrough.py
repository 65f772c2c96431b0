"""One new case through every stage on the running system, each step with its proof."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.form import CaseForm, Section
from models.ids import DEMO_PREFIX
from models.programme.definition import Programme
from models.refusals import Refused
from services.cases import drafts, queries
from services.cases.drafts import NewDraft
from services.cases.requests import Request
from services.cases.service import CaseService
from services.clock import new_id, now
from services.dates.change import MilestoneChange
from services.dates.milestones import Milestones
from services.demo.proof import DemoStep, wait_for_proof
from services.demo.samples import CALL, EXAMPLE, REMARKS, open_demo_season, shipped

type Plan = Iterator[tuple[Request, str]]
"""Requests, and what each does, in Chinese."""


@dataclass(frozen=True)
class Demo:
    """The demonstration. Each run opens a small season of its own and leaves it there."""

    engine: Engine
    audit: Engine
    service: CaseService

    async def run(self) -> AsyncIterator[DemoStep]:
        """Do one step after another; yield each when all its effects are in."""
        programme = Programme.from_toml(shipped(CALL))
        season_id = f"{DEMO_PREFIX}{new_id('x')[-8:].lower()}"
        season = await asyncio.to_thread(open_demo_season, self.engine, programme, season_id)
        yield DemoStep(what=f"开启演示征集季 {season.id}（虚构，日期已移到今天）")

        form = CaseForm.from_toml(shipped(EXAMPLE))
        draft = NewDraft(season.id, form, email="applicant@example.invalid")
        case_id = await self.service.create(draft)
        yield DemoStep(what="新建草稿", case=queries.show(self.engine, case_id))

        yield await self._refused(Request(case_id, Action.ACCEPT), "草稿未提交就审核：应被拒绝")
        for request, what in filed_and_returned(case_id):
            yield await self._done(request, what)
        await asyncio.to_thread(drafts.save_draft, self.engine, case_id, revised(form), None)
        for request, what in recommended_and_corrected(case_id, programme):
            yield await self._done(request, what)
        yield await self._close_filing(season.id)
        for request, what in judged_and_published(case_id):
            yield await self._done(request, what)

    async def _close_filing(self, season_id: str) -> DemoStep:
        change = MilestoneChange(
            season_id=season_id,
            milestone="cutoff",
            after=now(),
            reason="（演示）提前截止，以便继续",
            actor=Actor(role=Role.ORGANISER, id="organiser"),
            closes=True,
        )
        await Milestones(self.engine, self.service).move(change)
        return DemoStep(what="主办方把全国截止时间调到现在")

    async def _refused(self, request: Request, what: str) -> DemoStep:
        try:
            await self.service.act(request)
        except Refused as refused:
            view = await asyncio.to_thread(queries.show, self.engine, request.case_id)
            return DemoStep(what=what, case=view, refused=str(refused))
        message = f"{request.action} should have been refused"
        raise RuntimeError(message)

    async def _done(self, request: Request, what: str) -> DemoStep:
        view = await self.service.act(request)
        return await wait_for_proof(self.engine, self.audit, what, view)


def filed_and_returned(case_id: str) -> Plan:
    """Yield the requests from a draft to its return for revision."""
    yield Request(case_id, Action.SUBMIT), "申报单位提交"
    yield Request(case_id, Action.RETURN_FOR_REVISION, text=REMARKS), "推荐单位退回修改"


def recommended_and_corrected(case_id: str, programme: Programme) -> Plan:
    """Yield the requests from a revised draft to a corrected case in the formal check."""
    answers: Mapping[str, Any] = {"answers": {point.key: True for point in programme.screening}}
    yield Request(case_id, Action.SUBMIT), "修改后再次提交"
    yield Request(case_id, Action.ACCEPT, answers), "逐项审核，通过"
    yield Request(case_id, Action.RECOMMEND, {"rank": 1}), "列入推荐名单第 1 位上报"
    due = {"due": now() + timedelta(days=5)}
    yield Request(case_id, Action.REQUEST_CORRECTION, due, text=REMARKS), "主办方要求补正"
    yield Request(case_id, Action.RESUBMIT), "申报单位补正提交"


def judged_and_published(case_id: str) -> Plan:
    """Yield the requests from the formal check to the published result."""
    yield Request(case_id, Action.PASS_FORMAL_CHECK), "形式审查通过"
    yield Request(case_id, Action.SHORTLIST), "评审组：入围现场答辩"
    yield Request(case_id, Action.SELECT), "评审组：拟入选，进入公示"
    yield Request(case_id, Action.PUBLISH), "公示期满，公布结果"


def revised(form: CaseForm) -> CaseForm:
    """Return the form as an applicant would revise it after remarks."""
    first, *rest = form.sections
    addition = "\n（修改：已补充与上年度的对比数据，用户规模同比增长 35.6%。以上为虚构数据。）"
    mended = Section(heading=first.heading, text=first.text + addition)
    return form.model_copy(update={"sections": (mended, *rest)})
