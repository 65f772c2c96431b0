"""How patiently a workflow waits for what it asks of the world."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import LocalActivityConfig

QUICK = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=50),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=0,
    ),
    local_retry_threshold=timedelta(seconds=2),
)
"""For a short, idempotent write: an outage of the database is waited out, for ever.

Waits beyond two seconds become timers and free the worker's slot.
"""
