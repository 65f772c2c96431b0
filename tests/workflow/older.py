"""The workflow as an older release might have been: what it carries over lacks something."""

from temporalio import workflow

from models.cases.messages import CaseSnapshot, Standing
from models.refusals import Refused
from workflows import names
from workflows.case import CaseWorkflow


@workflow.defn(name=names.CASE_WORKFLOW, failure_exception_types=[Refused])
class OlderWorkflow(CaseWorkflow):
    """Forgets the title and the reminders on the way to its next run."""

    @workflow.init
    def __init__(self, standing: Standing) -> None:
        super().__init__(standing)

    @workflow.run
    async def run(self, standing: Standing) -> CaseSnapshot:
        return await super().run(standing)

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        agenda = self._case.outlook.agenda.model_copy(update={"items": ()})
        outlook = self._case.outlook.model_copy(update={"title": "", "agenda": agenda})
        workflow.continue_as_new(self._case.model_copy(update={"outlook": outlook}))
