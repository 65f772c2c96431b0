"""Measure a case's transitions against the bare engine: `python -m benchmarks --help`."""

import argparse
import asyncio
import logging
import time
from pathlib import Path

from benchmarks.measuring import Bench
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.processes import connected, scratch, temporal, workers
from benchmarks.report import Report, write_json
from benchmarks.start import measure_starts
from benchmarks.table import as_markdown, write_readme
from models.store.engine import open_engine
from models.store.upgrade import upgrade_record
from workers.folder.places import sqlite_url

VAR = Path("var")
README = Path("benchmarks/README.md")


async def measure(plan: Plan) -> Report:
    """Run a plan on servers of its own and return its figures."""
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {line}", flush=True)

    with scratch(VAR) as folder:
        starts = await asyncio.to_thread(measure_starts, folder, plan.starts)
        say("starts of the stack measured")
        url = sqlite_url(folder / "record.db")
        engine = open_engine(url)
        try:
            upgrade_record(engine)
            async with temporal(folder) as server:
                client = await connected(server.address)
                with workers(folder, server.address, url) as pids:
                    bench = Bench(client, engine, server, pids, say)
                    return Report(await bench.run(plan, folder), plan, server.version, starts)
        finally:
            engine.dispose()


def main() -> None:
    """Measure, print, write `var/bench.json`."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short look: no figures to quote")
    parser.add_argument("--write-readme", action="store_true", help=f"put the tables into {README}")
    arguments = parser.parse_args()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    report = asyncio.run(measure(QUICK if arguments.quick else FULL))
    print(f"\n{as_markdown(report)}")
    write_json(report, VAR / "bench.json")
    if arguments.write_readme:
        write_readme(report, README)


if __name__ == "__main__":
    main()
