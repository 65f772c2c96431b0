"""Timeouts and retries of what a workflow asks of the outside world."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import LocalActivityConfig


def quick(summary: str) -> LocalActivityConfig:
    """Return the options of a short, idempotent call of the record.

    It is retried for ever, so an outage of the database is waited out; waits beyond two
    seconds become timers and free the worker's slot.

    Args:
        summary: What the Temporal UI shows beside it, e.g. 提交 → 1.
    """
    return LocalActivityConfig(
        start_to_close_timeout=timedelta(seconds=15),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=50),
            maximum_interval=timedelta(seconds=10),
            maximum_attempts=0,
        ),
        local_retry_threshold=timedelta(seconds=2),
        summary=summary,
    )
