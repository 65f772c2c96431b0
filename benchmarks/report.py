"""A run's figures: the promised ones, and all others for programs."""

import json
import os
import platform
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.beside import WITH, WITHOUT
from benchmarks.contenders import PATH
from benchmarks.figures import (
    BARE,
    CONTENDERS,
    ENGINE,
    MS,
    OURS,
    Goal,
    Ratio,
    Summary,
    goals,
    percentile,
    summarise,
)
from benchmarks.measuring import Measured
from benchmarks.plan import Plan
from benchmarks.start import Starts

GIB = 1024**3
COMPARED = ((OURS, BARE), (OURS, ENGINE), (ENGINE, BARE))
PACKAGES = ("temporalio", "transitions", "pydantic", "SQLAlchemy", "sqlmodel")


@dataclass(frozen=True)
class Comparison:
    """One contender over another with so many clients."""

    clients: int
    over: str
    under: str
    throughput: Ratio
    p50: Ratio


@dataclass(frozen=True)
class Report:
    """A run's figures.

    Attributes:
        measured: Everything that was measured.
        plan: What was run.
        server: The version of the Temporal server's command line.
        starts: What a start costs, with few processes and with one for each role.
    """

    measured: Measured
    plan: Plan
    server: str
    starts: Mapping[str, Starts]

    @property
    def summaries(self) -> list[Summary]:
        """Contender by contender for each number of clients."""
        return [
            summarise([turn[name] for turn in turns])
            for turns in self.measured.turns.values()
            for name in CONTENDERS
        ]

    @property
    def comparisons(self) -> list[Comparison]:
        """Ours over both others, and what lies between those, for each number of clients."""
        return [
            Comparison(
                clients,
                over,
                under,
                Ratio.of(turns, over, under, lambda one: one.throughput),
                Ratio.of(turns, over, under, lambda one: one.p50),
            )
            for clients, turns in self.measured.turns.items()
            for over, under in COMPARED
        ]

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The promised figures."""
        ours = {
            one.clients: one for one in self.comparisons if (one.over, one.under) == COMPARED[0]
        }
        few = self.starts["few"]
        return goals(
            {
                "throughput_ratio_20": ours[20].throughput.median,
                "p50_ratio_1": ours[1].p50.median,
                "events_per_transition": self.events_per_transition(OURS),
                "webhook_p99_ms": percentile(self.measured.beside.seconds, 99) * MS,
                "start_seconds": few.seconds,
                "stack_rss_mib": few.rss_mib,
            }
        )

    @property
    def with_consumers(self) -> Ratio:
        """The throughput of ours with the consumers running over that without."""
        turns = self.measured.beside.turns
        return Ratio.of(turns, WITH, WITHOUT, lambda one: one.throughput)

    def events_per_transition(self, name: str) -> float:
        """Return how many events a transition adds to a case's history."""
        events = self.measured.events[name]
        return (events.ended - events.opened) / len(PATH)

    def as_json(self) -> dict[str, Any]:
        """Return everything, the promised figures first."""
        return {
            **{goal.name: round(goal.measured, 3) for goal in self.goals},
            "goals": {goal.name: {"limit": goal.line, "met": goal.met} for goal in self.goals},
            "machine": machine(),
            "versions": versions(self.server),
            "plan": asdict(self.plan),
            "comparisons": [asdict(one) for one in self.comparisons],
            "summaries": [asdict(one) for one in self.summaries],
            "events_per_case": {name: asdict(one) for name, one in self.measured.events.items()},
            "with_consumers": asdict(self.with_consumers),
            "webhook_seconds": self.measured.beside.seconds,
            "webhook_again": self.measured.beside.again,
            "starts": {mode: asdict(one) for mode, one in self.starts.items()},
            "memory_bytes_per_open_case": self.measured.memory,
            "rounds": {
                clients: [{name: asdict(one) for name, one in turn.items()} for turn in turns]
                for clients, turns in self.measured.turns.items()
            },
        }


def machine() -> dict[str, int]:
    """Return what the figures depend on, and no names."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory / GIB)}


def versions(server: str) -> dict[str, str]:
    """Return the versions of everything in the path of a transition."""
    return {
        "Temporal CLI": server,
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "SQLite": sqlite3.sqlite_version,
    }


def write_json(report: Report, file: Path) -> None:
    """Write all figures for programs."""
    file.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n")
