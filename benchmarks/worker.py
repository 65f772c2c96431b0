"""A worker process: `python -m benchmarks.worker bare|ours ADDRESS DATABASE_URL`.

The bare one serves `bare` and `engine`.

Client and worker are processes of their own, so that they share no interpreter lock.
"""

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.bare import ACTIVITY, TASK_QUEUE, BareWorkflow
from benchmarks.figures import BARE
from models.store.engine import SHORT_LOCK_WAIT, open_engine
from workers.cases.worker import LOCAL_ACTIVITIES, case_worker, run_cases
from workers.temporal_client import connect


@activity.defn(name=ACTIVITY)
def nothing(number: int) -> int:
    """Return the number, from a thread like the record's."""
    return number


async def run_bare(client: Client, engine: Engine, stop: asyncio.Event) -> None:
    """Serve the bare workflow, with every setting of the worker of the cases."""
    with ThreadPoolExecutor(LOCAL_ACTIVITIES) as executor:
        settings = case_worker(client, engine, executor).config()
        settings["task_queue"] = TASK_QUEUE
        settings["workflows"], settings["activities"] = [BareWorkflow], [nothing]
        async with Worker(**settings):
            await stop.wait()


async def main(contender: str, address: str, database_url: str) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = open_engine(database_url, lock_wait=SHORT_LOCK_WAIT)
    try:
        run = run_bare if contender == BARE else run_cases
        await run(await connect(address), engine, stop)
    finally:
        engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
