"""One new case through every stage on the running system, each step with its proof."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel
from sqlalchemy import Engine, and_, select

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.form_check import CaseForm, Section
from models.notifications.delivery import Channel, DeliveryStatus
from models.programme.definition import Programme
from models.refusals import Refused
from models.store.engine import reading
from models.tables import Delivery, InboxMessage, Outbox, table_of
from models.tables.audit import AuditChainRow
from services.cases import drafts, queries
from services.cases.drafts import NewDraft
from services.cases.requests import Request
from services.cases.service import CaseService
from services.cases.views import CaseView
from services.clock import new_id, now
from services.dates.milestones import Milestones
from services.dates.moves import MilestoneChange
from services.demo.samples import CALL, EXAMPLE, REMARKS, open_demo_season, shipped

OUTBOX, INBOX = table_of(Outbox), table_of(InboxMessage)
DELIVERY, AUDIT = table_of(Delivery), table_of(AuditChainRow)

PROOF_WITHIN_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 0.05


class DemoStep(BaseModel):
    """A step and what came of it.

    Attributes:
        what: What was done, in Chinese.
        case: The case afterwards; None before there is one.
        event: The number of its event in the stream.
        inbox: Whose inboxes were told.
        mails: The mails that went out: delivery id → recipient.
        audit: The number of its record in the audit's chain.
        refused: The refusal, where the step was meant to be refused.
    """

    what: str
    case: CaseView | None = None
    event: int | None = None
    inbox: list[str] = []
    mails: dict[str, str] = {}
    audit: int | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Demo:
    """The demonstration. Each run opens a small season of its own and leaves it there."""

    engine: Engine
    audit: Engine
    service: CaseService

    async def run(self) -> AsyncIterator[DemoStep]:
        """Do one step after another, each shown when all its effects are in."""
        programme = Programme.from_toml(shipped(CALL))
        season_id = f"demo-{new_id('x')[-8:].lower()}"
        season = await asyncio.to_thread(open_demo_season, self.engine, programme, season_id)
        yield DemoStep(what=f"开启演示征集季 {season.id}（虚构，日期已移到今天）")

        form = CaseForm.from_toml(shipped(EXAMPLE))
        draft = NewDraft(season.id, form, email="applicant@example.invalid")
        case_id = await self.service.create(draft)
        yield DemoStep(what="新建草稿", case=queries.show(self.engine, case_id))

        yield await self._refused(Request(case_id, Action.ACCEPT), "草稿未提交就审核：应被拒绝")
        yield await self._done(Request(case_id, Action.SUBMIT), "申报单位提交")
        returned = Request(case_id, Action.RETURN_FOR_REVISION, text=REMARKS)
        yield await self._done(returned, "推荐单位退回修改")
        await asyncio.to_thread(drafts.save_draft, self.engine, case_id, revised(form), None)
        yield await self._done(Request(case_id, Action.SUBMIT), "修改后再次提交")
        answers = {"answers": {point.key: True for point in programme.screening}}
        yield await self._done(Request(case_id, Action.ACCEPT, answers), "逐项审核，通过")
        ranked = Request(case_id, Action.RECOMMEND, {"rank": 1})
        yield await self._done(ranked, "列入推荐名单第 1 位上报")
        due = {"due": now() + timedelta(days=5)}
        correction = Request(case_id, Action.REQUEST_CORRECTION, due, text=REMARKS)
        yield await self._done(correction, "主办方要求补正")
        yield await self._done(Request(case_id, Action.RESUBMIT), "申报单位补正提交")
        yield await self._close_filing(season.id)
        for action, what in (
            (Action.PASS_FORMAL_CHECK, "形式审查通过"),
            (Action.SHORTLIST, "评审组：入围现场答辩"),
            (Action.SELECT, "评审组：拟入选，进入公示"),
            (Action.PUBLISH, "公示期满，公布结果"),
        ):
            yield await self._done(Request(case_id, action), what)

    async def _close_filing(self, season_id: str) -> DemoStep:
        moving = MilestoneChange(
            season_id=season_id,
            milestone="cutoff",
            after=now(),
            reason="（演示）提前截止，以便继续",
            actor=Actor(role=Role.ORGANISER, id="organiser"),
        )
        await Milestones(self.engine, self.service).move(moving)
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
        step = DemoStep(what=what, case=view)
        try:
            async with asyncio.timeout(PROOF_WITHIN_SECONDS):
                while not complete(step):
                    step = await asyncio.to_thread(self._access, step)
                    await asyncio.sleep(0 if complete(step) else LOOK_AGAIN_SECONDS)
        except TimeoutError:
            return step  # what is missing shows as missing; the step itself is done
        return step

    def _access(self, step: DemoStep) -> DemoStep:
        assert step.case is not None  # noqa: S101 - `_done` made it so
        case_id, seq = step.case.id, step.case.seq
        event_id = f"{case_id}:{seq}"
        with reading(self.engine) as connection:
            event = connection.scalar(
                select(OUTBOX.c.stream_seq).where(OUTBOX.c.case_id == case_id, OUTBOX.c.seq == seq)
            )
            told = connection.execute(
                select(INBOX.c.recipient, DELIVERY.c.id, DELIVERY.c.status)
                .join(
                    DELIVERY,
                    and_(DELIVERY.c.message_id == INBOX.c.id, DELIVERY.c.channel == Channel.MAIL),
                    isouter=True,
                )
                .where(INBOX.c.event_id == event_id)
            ).all()
        with reading(self.audit) as connection:
            audit = connection.scalar(select(AUDIT.c.n).where(AUDIT.c.event_id == event_id))
        pending = any(row.status == DeliveryStatus.WAITING for row in told)
        return step.model_copy(
            update={
                "event": event,
                "audit": audit,
                "inbox": [] if pending else sorted({row.recipient for row in told}),
                "mails": {
                    row.id: row.recipient for row in told if row.status == DeliveryStatus.SENT
                },
            }
        )


def complete(step: DemoStep) -> bool:
    """Whether a step's event is out, its people are told and its record is audited."""
    return step.event is not None and step.audit is not None and bool(step.inbox)


def revised(form: CaseForm) -> CaseForm:
    """Return the form as an applicant would mend it after remarks."""
    first, *rest = form.sections
    addition = "\n（修改：已补充与上年度的对比数据，用户规模同比增长 35.6%。以上为虚构数据。）"
    mended = Section(heading=first.heading, text=first.text + addition)
    return form.model_copy(update={"sections": (mended, *rest)})
