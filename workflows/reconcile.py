"""The nightly comparison of the stores: one activity, retried until it answers."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows import names


@workflow.defn(name=names.RECONCILE_WORKFLOW)
class ReconcileWorkflow:
    """Runs one comparison. Temporal's Schedule starts it each night."""

    @workflow.run
    async def run(self) -> int:
        """Return how many differences are left."""
        left: int = await workflow.execute_activity(
            names.RECONCILE,
            result_type=int,
            start_to_close_timeout=timedelta(hours=2),
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=5), maximum_attempts=20),
        )
        return left
