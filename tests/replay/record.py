"""Record histories from the real server, for the replay tests of all later releases.

    python -m tests.replay.record RELEASE [SCENARIO ...]

They lie under `histories/RELEASE/` and are never edited nor recorded again: what they
hold is what running cases hold. A change of command order adds a folder beside them.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from models.store.engine import SHORT_LOCK_WAIT, open_engine
from models.store.upgrade import upgrade_record
from tests.replay.scenarios import SCENARIOS
from tests.workflow.case import Case
from tests.workflow.temporal import Temporal, running_temporal
from tests.workflow.world import World
from workflows import names

HISTORIES = Path(__file__).parent / "histories"
FEW_EVENTS = "limit.historyCount.suggestContinueAsNew=30"


async def record(server: Temporal, scenario: str, folder: Path) -> None:
    """Let one case live, and keep the history of each of its runs."""
    with tempfile.TemporaryDirectory() as scratch:
        engine = open_engine(f"sqlite:///{scratch}/tuixuan.db", lock_wait=SHORT_LOCK_WAIT)
        upgrade_record(engine)
        world = World(engine, await server.client(), names.TASK_QUEUE)
        world.open_season()
        case = await SCENARIOS[scenario](world)
        async with world.worker():
            await case.agrees()
        await _keep(case, folder, scenario)
        await _end(case)
        engine.dispose()


async def _keep(case: Case, folder: Path, scenario: str) -> None:
    runs = await case.runs()
    for number, run in enumerate(runs, 1):
        name = scenario if len(runs) == 1 else f"{scenario}-{number}"
        plain = without_traces(run.to_json_dict())
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {len(run.events)} events", flush=True)


def without_traces(value: Any) -> Any:
    """Leave out stack traces: they name the paths of a machine, and no replay reads them."""
    if isinstance(value, dict):
        return {k: without_traces(v) for k, v in value.items() if k != "stackTrace"}
    return [without_traces(each) for each in value] if isinstance(value, list) else value


async def _end(case: Case) -> None:
    """Leave no case behind that the next worker of this queue would take up."""
    if await case.world.service.runs(case.id):
        await case.handle.terminate()


def main(release: str, *wanted: str) -> None:
    folder = HISTORIES / release
    folder.mkdir(parents=True, exist_ok=True)
    for scenario in wanted or SCENARIOS:
        settings = [FEW_EVENTS] if scenario == "continued" else []
        with (
            tempfile.TemporaryDirectory() as scratch,
            running_temporal(Path(scratch), *settings) as server,
        ):
            asyncio.run(record(server, scenario, folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
