"""One case, from its draft to its end: one long-lived workflow.

Each action is an update. Its validator refuses without a trace; its handler, under
the case's lock, decides, commits, enters (docs/architecture.md). The record decides: what
the commit returns is what the machine moves by, be it this update's or another's.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from models.cases.actions.deadlines import due_action
    from models.cases.actions.names import Action
    from models.cases.actions.registry import ACTIONS
    from models.cases.agenda import AgendaItem
    from models.cases.commands import Command
    from models.cases.guards import Facts
    from models.cases.lifecycle import Lifecycle
    from models.cases.messages import (
        CaseSnapshot,
        CommitTransitionInput,
        CommitTransitionResult,
        Standing,
    )
    from models.cases.states import FINAL
    from models.refusals import Refused

from workflows import names
from workflows.options import quick
from workflows.timers import Timers
from workflows.visibility import agenda_label, details, search_attribute_updates


def _performs(action: Action) -> Any:  # noqa: ANN401 - the decorator's type is the SDK's own
    """Return the update of one action. Its name on the wire is the action's own."""

    async def perform(self: "CaseWorkflow", command: Command) -> CaseSnapshot:
        info = workflow.current_update_info()
        assert info is not None  # noqa: S101 - an update handler runs inside an update
        return await self.perform(action, command, info.id)

    def validate(self: "CaseWorkflow", command: Command) -> None:
        self.check(action, command)

    declared = ACTIONS[action]
    hints = {"command": declared.command}
    perform.__annotations__ = {**hints, "return": CaseSnapshot}
    validate.__annotations__ = {**hints, "return": None}
    update = workflow.update(name=action, description=declared.words.zh)(perform)
    update.validator(validate)
    return update


@workflow.defn(name=names.CASE_WORKFLOW, failure_exception_types=[Refused])
class CaseWorkflow:
    """One case. Its argument is where it stands: new, carried over, or from the record."""

    @workflow.init
    def __init__(self, standing: Standing) -> None:
        """Set the state before any handler runs."""
        self._case = standing
        self._life = Lifecycle(standing.state)
        self._began_ended = standing.state in FINAL
        self._lock = asyncio.Lock()
        self._timers = Timers()
        self._cancel_asked_at: datetime | None = None

    @workflow.run
    async def run(self, standing: Standing) -> CaseSnapshot:
        """Keep the agenda until the case has ended, whoever asks to cancel it."""
        del standing  # taken by __init__
        self._show()
        while True:
            try:
                await self._live()
                return self.snapshot()
            except (asyncio.CancelledError, ActivityError) as error:
                self._note_cancellation(error)

    async def _live(self) -> None:
        if workflow.info().continued_run_id:
            if workflow.patched(names.CONTINUES_FROM_RECORD):
                await self._read_record()  # what an older release carried over may lack something
        elif self._began_ended:
            await self._read_record()  # begun by `reopen`, which the server may have lost since
        over = False
        while not over:
            while self._life.state not in FINAL:
                if workflow.info().is_continue_as_new_suggested():
                    await self._continue_as_new()
                await self._keep_agenda()
            await workflow.wait_condition(workflow.all_handlers_finished)
            over = self._life.state in FINAL  # else one of them reopened the case

    submit = _performs(Action.SUBMIT)
    return_for_revision = _performs(Action.RETURN_FOR_REVISION)
    accept = _performs(Action.ACCEPT)
    decline = _performs(Action.DECLINE)
    send_back = _performs(Action.SEND_BACK)
    recommend = _performs(Action.RECOMMEND)
    leave_out = _performs(Action.LEAVE_OUT)
    request_correction = _performs(Action.REQUEST_CORRECTION)
    resubmit = _performs(Action.RESUBMIT)
    pass_formal_check = _performs(Action.PASS_FORMAL_CHECK)
    fail_formal_check = _performs(Action.FAIL_FORMAL_CHECK)
    shortlist = _performs(Action.SHORTLIST)
    select = _performs(Action.SELECT)
    not_select = _performs(Action.NOT_SELECT)
    publish = _performs(Action.PUBLISH)
    disqualify = _performs(Action.DISQUALIFY)
    withdraw = _performs(Action.WITHDRAW)
    move_deadline = _performs(Action.MOVE_DEADLINE)
    reopen = _performs(Action.REOPEN)

    @workflow.update(name=names.CATCH_UP, description="与记录对齐")
    async def catch_up(self) -> CaseSnapshot:
        """Catch up with the record: after a reset, or when SQL is a step ahead."""
        await self._read_record()
        return self.snapshot()

    @workflow.query(name=names.SNAPSHOT, description="案例当前情况")
    def snapshot(self) -> CaseSnapshot:
        """Return where the case stands."""
        return CaseSnapshot.of(self._case)

    def check(self, action: Action, command: Command) -> None:
        """Refuse what the machine refuses. Changes nothing: replay skips validators."""
        try:
            self._life.check(action, Facts(command, workflow.now(), self._case))
        except Refused as refused:
            raise self._failure(refused) from refused

    async def perform(self, action: Action, command: Command, update_id: str) -> CaseSnapshot:
        """Decide, commit, enter; decide again while other transitions come in between."""
        async with self._lock:
            await self._perform(action, command, update_id)
        return self.snapshot()

    async def _perform(self, action: Action, command: Command, update_id: str) -> None:
        answered = False
        while not answered:
            try:
                target = self._life.decide(action, Facts(command, workflow.now(), self._case))
            except Refused as refused:
                raise self._failure(refused) from refused
            wanted = CommitTransitionInput.of(
                self._case, update_id, action, target, workflow.now(), command
            )
            result: CommitTransitionResult = await workflow.execute_local_activity(
                names.COMMIT_TRANSITION,
                wanted,
                result_type=CommitTransitionResult,
                **quick(f"{ACTIONS[action].words.zh} → {wanted.seq}"),
            )
            self._stand(self._case.after(result))
            if result.refusal is not None:
                raise self._failure(Refused(result.refusal.code, result.refusal.message))
            answered = result.answered

    def _stand(self, standing: Standing) -> None:
        """Enter the state that the record says, and show it to operations."""
        shown = search_attribute_updates(standing)
        if shown != search_attribute_updates(self._case):
            workflow.upsert_search_attributes(shown)
        self._case = standing
        self._life.enter(standing.state)
        self._show()

    def _show(self) -> None:
        workflow.set_current_details(details(self._case, self._cancel_asked_at))

    def _note_cancellation(self, error: asyncio.CancelledError | ActivityError) -> None:
        """Note a request to cancel, and go on: a case ends by its rules alone.

        The server delivers one such request a run. An eviction cancels too: there the
        page cannot be set, and what that raises ends the run as the SDK wants it.
        """
        if not is_cancelled_exception(error) or workflow.cancellation_reason() is None:
            raise error
        self._cancel_asked_at = workflow.now()
        self._show()
        if not workflow.patched(names.CANCELLATION_NOTED):
            raise error  # an older release ended here
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        workflow.logger.warning("cancellation_requested")

    async def _read_record(self) -> None:
        async with self._lock:
            found: Standing = await workflow.execute_local_activity(
                names.READ_STANDING,
                args=[self._case.case_id, self._undone_since()],
                result_type=Standing,
                **quick("读取记录"),
            )
            if found.seq >= self._case.seq:
                self._stand(found)

    def _failure(self, refused: Refused) -> ApplicationError:
        """Return the refusal as callers see it; the seq tells whether we lag the record."""
        return ApplicationError(
            refused.message, refused.code, self._case.seq, type=names.REFUSED, non_retryable=True
        )

    async def _keep_agenda(self) -> None:
        """Do what is due, or wait until something is, or until the agenda changes."""
        now = workflow.now()
        item = self._case.outlook.agenda.next_due(now)
        if item is not None and item.at <= now:
            await self._fire(item)
            return
        if item is not None:
            self._timers.fire_by(item.at, agenda_label(item, self._life.state))
        await workflow.wait_condition(self._restless)

    def _restless(self) -> bool:
        """Whether the loop has something to do."""
        if self._life.state in FINAL or workflow.info().is_continue_as_new_suggested():
            return True
        now = workflow.now()
        item = self._case.outlook.agenda.next_due(now)
        return item is not None and (item.at <= now or not self._timers.fires_by(item.at))

    def _undone_since(self) -> datetime:
        """Return the instant from which reminders are planned: an item due now is not done yet."""
        now = workflow.now()
        item = self._case.outlook.agenda.next_due(now)
        return now if item is None or item.at > now else item.at - timedelta(microseconds=1)

    async def _fire(self, item: AgendaItem) -> None:
        """Act on an item of the agenda, unless another update made it pointless."""
        async with self._lock:
            agenda = self._case.outlook.agenda
            if item not in agenda.items or self._life.state in FINAL:
                return
            try:
                await self._perform(
                    *due_action(item, self._life.state), f"{names.TIMER_UPDATE}{item.id}"
                )
            except ApplicationError as refused:
                workflow.logger.warning("agenda item refused: %s %s", item.id, refused.message)
            # Whatever came of it, the item is done with: an agenda never runs in circles.
            outlook = self._case.outlook
            left = outlook.agenda.without(item)
            outlook = outlook.model_copy(update={"agenda": left})
            self._case = self._case.model_copy(update={"outlook": outlook})

    async def _continue_as_new(self) -> None:
        """Continue as new, once every running update has its answer."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self._case)
