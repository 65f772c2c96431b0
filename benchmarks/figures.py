"""What is made of the measured times: percentiles, ratios of pairs, the goals."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

BARE, ENGINE, OURS = "bare", "engine", "ours"
CONTENDERS = (BARE, ENGINE, OURS)
MS = 1000.0


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that `percent` of all values do not exceed (nearest rank).

    Raises:
        ValueError: There are no values.
    """
    ordered = sorted(values)
    if not ordered:
        message = "no values, no percentile"
        raise ValueError(message)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True)
class Round:
    """One contender's turn with so many clients.

    Attributes:
        contender: `bare`, `engine` or `ours`.
        clients: How many acted at the same time.
        seconds: From the first request to the last answer.
        latencies: Seconds from request to answer, one a transition.
        cpu: Process → CPU seconds that it used meanwhile.
    """

    contender: str
    clients: int
    seconds: float
    latencies: tuple[float, ...]
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def throughput(self) -> float:
        """Transitions a second."""
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        """The median latency of the round in milliseconds."""
        return percentile(self.latencies, 50) * MS


@dataclass(frozen=True)
class Summary:
    """All rounds of a contender with so many clients.

    Attributes:
        throughput: Transitions a second, median of the rounds.
        p50_ms, p99_ms: Latency over all transitions of all rounds.
        cpu_ms: Process → CPU milliseconds a transition.
    """

    contender: str
    clients: int
    rounds: int
    transitions: int
    throughput: float
    p50_ms: float
    p99_ms: float
    cpu_ms: dict[str, float]


def summarise(rounds: Sequence[Round]) -> Summary:
    """Return what the rounds of one contender with one number of clients say."""
    first, latencies = rounds[0], [each for one in rounds for each in one.latencies]
    used = {name: sum(one.cpu[name] for one in rounds) for name in first.cpu}
    return Summary(
        contender=first.contender,
        clients=first.clients,
        rounds=len(rounds),
        transitions=len(latencies),
        throughput=statistics.median(one.throughput for one in rounds),
        p50_ms=percentile(latencies, 50) * MS,
        p99_ms=percentile(latencies, 99) * MS,
        cpu_ms={name: seconds * MS / len(latencies) for name, seconds in used.items()},
    )


type Turn = Mapping[str, Round]
"""A round of each contender, one right after the other, so that all met the same machine."""


@dataclass(frozen=True)
class Ratio:
    """A contender over another: the median of all turns, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(
        cls, turns: Sequence[Turn], over: str, under: str, figure: Callable[[Round], float]
    ) -> "Ratio":
        """Compare turn by turn: the machine's noise hits both sides of a ratio."""
        values = [figure(turn[over]) / figure(turn[under]) for turn in turns]
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        """Return e.g. `0.81 (0.74–0.90)`."""
        return f"{self.median:.2f} ({self.least:.2f}–{self.most:.2f})"


@dataclass(frozen=True)
class Goal:
    """A figure that is promised, and what was measured."""

    name: str
    measured: float
    limit: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def line(self) -> str:
        """The promise in writing, e.g. `≥ 0.8`."""
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


def goals(measured: Mapping[str, float]) -> tuple[Goal, ...]:
    """Return the promised figures.

    Args:
        measured: What was measured, by the names below.
    """
    return tuple(
        Goal(name, measured[name], limit, at_least=at_least)
        for name, limit, at_least in (
            ("throughput_ratio_20", 0.8, True),
            ("p50_ratio_1", 1.5, False),
            ("events_per_transition", 7.0, False),
            ("webhook_p99_ms", 500.0, False),
            ("start_seconds", 10.0, False),
            ("stack_rss_mib", 450.0, False),
        )
    )
