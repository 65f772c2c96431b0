"""A worker of cases that dies as `kill -9` would have it: right after a commit of the record.

    python -m tests.workflow.mortal_worker ADDRESS DATABASE_URL TASK_QUEUE

The commit itself is the real one; the workflow's task is never completed.
"""

import asyncio
import os
import sys
from unittest.mock import patch

from temporalio import activity

from activities.cases import CaseActivities
from models.cases.messages import CommitTransitionInput, CommitTransitionResult
from models.store.engine import SHORT_LOCK_WAIT, open_engine
from workers.cases import worker
from workers.temporal_client import connect
from workflows import names

DIED = 9


class MortalActivities(CaseActivities):
    """The record's activities, the last thing that this process does."""

    @activity.defn(name=names.COMMIT_TRANSITION)
    def commit_transition(self, wanted: CommitTransitionInput) -> CommitTransitionResult:
        super().commit_transition(wanted)
        os._exit(DIED)


async def main(address: str, url: str, queue: str) -> None:
    client, engine = await connect(address), open_engine(url, lock_wait=SHORT_LOCK_WAIT)
    with (
        patch.object(names, "TASK_QUEUE", queue),
        patch.object(worker, "CaseActivities", MortalActivities),
    ):
        await worker.run_cases(client, engine, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
