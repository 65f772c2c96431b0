"""Workflows that must not replay what the real one did: they prove that replay looks."""

from temporalio import workflow

from models.cases.messages import CaseSnapshot, Standing
from models.refusals import Refused
from workflows import names
from workflows.case import CaseWorkflow


@workflow.defn(name=names.CASE_WORKFLOW, failure_exception_types=[Refused])
class Silent(CaseWorkflow):
    """Shows operations nothing."""

    @workflow.init
    def __init__(self, standing: Standing) -> None:
        super().__init__(standing)

    @workflow.run
    async def run(self, standing: Standing) -> CaseSnapshot:
        return await super().run(standing)

    def _stand(self, standing: Standing) -> None:
        self._case = standing
        self._life.enter(standing.state)


@workflow.defn(name=names.CASE_WORKFLOW, failure_exception_types=[Refused])
class Sleepless(CaseWorkflow):
    """Sets no timer."""

    @workflow.init
    def __init__(self, standing: Standing) -> None:
        super().__init__(standing)

    @workflow.run
    async def run(self, standing: Standing) -> CaseSnapshot:
        await workflow.wait_condition(lambda: False)
        return await super().run(standing)


@workflow.defn(name=names.CASE_WORKFLOW, failure_exception_types=[Refused])
class Unpatched(CaseWorkflow):
    """Does what is new in cases that began before it was."""

    @workflow.init
    def __init__(self, standing: Standing) -> None:
        super().__init__(standing)

    @workflow.run
    async def run(self, standing: Standing) -> CaseSnapshot:
        await self._read_record()
        return await super().run(standing)


@workflow.defn(name=names.CASE_WORKFLOW, failure_exception_types=[Refused])
class Deaf(CaseWorkflow):
    """Goes on where an older release ended because somebody asked to cancel."""

    @workflow.init
    def __init__(self, standing: Standing) -> None:
        super().__init__(standing)

    @workflow.run
    async def run(self, standing: Standing) -> CaseSnapshot:
        return await super().run(standing)

    def _note_cancellation(self, error: BaseException) -> None:
        del error
