"""Use an action that was added to a copy of the tree, from the record to the notification.

    python -m tests.workflow.new_action ADDRESS DATABASE_URL QUEUE

Runs in the copy, whose modules come first. Prints what came of it as JSON.
"""

import asyncio
import json
import os
import subprocess
import sys
from unittest.mock import patch

from sqlalchemy import Engine

from models import tables
from models.cases.actions.names import Action
from models.cases.events import CaseEvent
from models.store.engine import open_engine, reading
from models.store.upgrade import upgrade_record
from models.stream.incoming import IncomingEvent
from services.cases import queries
from tests.workflow.world import World
from workers.notify.handler import NotifyHandler
from workers.temporal_client import connect
from workflows import names

ADDED = "acknowledge"


def notified(engine: Engine, case_id: str) -> list[str]:
    """Let the notify worker's handler do what the newest event asks; return the subjects."""
    with reading(engine) as connection:
        rows = connection.execute(tables.outbox.select().order_by(tables.outbox.c.seq)).all()
    newest = rows[-1]
    event = CaseEvent.model_validate_json(newest.body)
    NotifyHandler(engine).apply([IncomingEvent(event, newest.body, 1)])
    inbox = tables.inbox_message
    with reading(engine) as connection:
        query = inbox.select().where(inbox.c.event_id == event.id, inbox.c.case_id == case_id)
        return [event.type, *sorted(row.subject for row in connection.execute(query))]


async def main(address: str, url: str, queue: str) -> None:
    """File a case and do the added action, by the command line."""
    engine = open_engine(url)
    upgrade_record(engine)
    with patch.object(names, "TASK_QUEUE", queue):
        world = World(engine, await connect(address), queue)
        world.open_season()
        async with world.worker():
            case = await world.draft()
            await case.act(Action.SUBMIT)
            command = [sys.executable, "-m", "cli", "case", ADDED, case.id, "--output", "json"]
            environ = os.environ | {"TEMPORAL_ADDRESS": address, "DATABASE_URL": url}
            done = await asyncio.to_thread(
                subprocess.run, command, env=environ, capture_output=True, text=True, check=False
            )
        lines = queries.history(engine, case.id).items
        print(json.dumps({
            "shown": done.stdout, "said": done.stderr,
            "history": [[str(line.action), line.source, line.target] for line in lines],
            "notified": notified(engine, case.id),
        }))  # fmt: skip
    engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
